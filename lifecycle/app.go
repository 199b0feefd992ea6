package lifecycle

import "context"

// An App is the process that is kept alive: one that another supervisor ends, see [ExternalApp], or
// a child process, see package childproc.
type App interface {
	// Watch looks for the app's exit until it has happened or ctx is done. It is called when the
	// drain begins.
	Watch(ctx context.Context)
	// Exited is closed when the app has exited.
	Exited() <-chan struct{}
	// Release lets the app stop. It is called when the hold has ended, and may be called again.
	Release()
	// Policy returns what the lifecycle leaves to the app. It is called once.
	Policy() Policy
}

// A Policy is what the lifecycle leaves to an app. The zero value is that of an app that another
// supervisor ends.
type Policy struct {
	// KeepsInterrupts is set if an interrupt while Serving concerns the app alone, which gets it
	// too.
	KeepsInterrupts bool
	// AwaitExit is set if the process ends with the app, and never before it.
	AwaitExit bool
}
