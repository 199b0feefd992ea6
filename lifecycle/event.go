package lifecycle

// An Event is what the process is told from outside, mostly by signals.
type Event uint8

// The events.
const (
	// StopSignal is the signal with which the process is asked to end, whichever signal that is.
	StopSignal Event = iota + 1
	// Interrupt is Ctrl-C.
	Interrupt
)
