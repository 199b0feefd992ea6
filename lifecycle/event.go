package lifecycle

// An Event is a request from outside the process, mostly a signal.
type Event uint8

// The events.
const (
	// StopSignal is any signal that asks the process to exit, except an interrupt.
	StopSignal Event = iota + 1
	// Interrupt is Ctrl-C.
	Interrupt
)
