package lifecycle

import (
	"context"
	"sync"
	"time"
)

// An ExternalApp is an app that is not a child process, so nothing reports its exit. While
// draining, it is polled.
type ExternalApp struct {
	exited chan struct{}
	close  sync.Once
	look   Look
	again  chan struct{} // holds a value after LookAgain
}

// A Look reports whether any process listens at the app's addresses, and how long to wait before
// the next look. A look that has to dial takes a place in the app's backlog.
type Look func(ctx context.Context) (present bool, pause time.Duration)

// NewExternalApp returns an app whose presence look reports.
func NewExternalApp(look Look) *ExternalApp {
	return &ExternalApp{exited: make(chan struct{}), look: look, again: make(chan struct{}, 1)}
}

// An app has exited when absentLooks looks in a row, absentPause apart, find no listener. One look
// is not enough: an app that restarts, or replaces its listener, has none for a moment.
const (
	absentLooks = 4
	absentPause = 50 * time.Millisecond
)

// Watch looks for the app until it has exited or ctx is done.
func (a *ExternalApp) Watch(ctx context.Context) {
	enough := absentLooks
	for absent := 0; ; {
		present, pause := a.look(ctx)
		if present {
			absent = 0
		} else {
			absent++
			pause = absentPause
		}
		if absent >= enough {
			a.close.Do(func() { close(a.exited) })
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-a.again:
			enough = 1
		case <-time.After(pause):
		}
	}
}

// LookAgain ends the pause between two looks, which is long for an app that has to be dialed. From now
// on, one look that finds no listener is enough.
func (a *ExternalApp) LookAgain() {
	select {
	case a.again <- struct{}{}:
	default:
	}
}

// Exited is closed when the app has exited.
func (a *ExternalApp) Exited() <-chan struct{} { return a.exited }

// Release does nothing: the app's own supervisor stops it when /hold is answered.
func (a *ExternalApp) Release() {}

// Policy returns the policy for an app that another supervisor ends.
func (a *ExternalApp) Policy() Policy { return Policy{} }
