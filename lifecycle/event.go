package lifecycle

// An Event is a request from outside the process, mostly a signal.
type Event uint8

// The events.
const (
	// StopSignal is the signal with which the process is asked to end, whichever signal that is.
	StopSignal Event = iota + 1
	// Interrupt is Ctrl-C.
	Interrupt
)
