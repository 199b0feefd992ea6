package lifecycle

import "context"

// An App is the process that is kept alive during a drain: one that another supervisor stops, see
// [ExternalApp], or a child process, see package childproc.
type App interface {
	// Watch waits for the app's exit, or until ctx is done. It is called when the drain begins.
	Watch(ctx context.Context)
	// LookAgain makes Watch look for the app at once: something else suggests that it has exited.
	LookAgain()
	// Exited is closed when the app has exited.
	Exited() <-chan struct{}
	// Release lets the app stop. It is called when the hold has ended, and may be called again.
	Release()
	// Policy returns the app's policy. It is called once.
	Policy() Policy
}

// A Policy adapts the lifecycle to a kind of app. The zero value is for an app that another
// supervisor stops.
type Policy struct {
	// KeepsInterrupts means that an interrupt while Serving is forwarded to the app and does not begin
	// a drain.
	KeepsInterrupts bool
	// AwaitExit means that this process never exits before the app.
	AwaitExit bool
}
