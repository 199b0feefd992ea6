package proxy

import (
	"context"
	"sync"
	"time"
)

// A lazyContext is made when something waits for it. An app usually accepts at once: then nothing
// waits, and neither contexts nor timers are made for the connection.
type lazyContext struct {
	parent context.Context //nolint:containedctx // it is a context itself
	make   func(parent context.Context) context.Context

	mu     sync.Mutex
	made   context.Context //nolint:containedctx // see above
	closed bool
}

// force returns the context that is waited for. Once closed, that is the parent if it was not made.
func (l *lazyContext) force() context.Context {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.made == nil && !l.closed {
		l.made = l.make(l.parent)
	}
	return l.currentLocked()
}

func (l *lazyContext) current() context.Context {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.currentLocked()
}

func (l *lazyContext) currentLocked() context.Context {
	if l.made == nil {
		return l.parent
	}
	return l.made
}

// close makes sure that the context is not made any more, and reports whether it was.
func (l *lazyContext) close() (made bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	return l.made != nil
}

// Done implements [context.Context].
func (l *lazyContext) Done() <-chan struct{} { return l.force().Done() }

// Deadline implements [context.Context].
func (l *lazyContext) Deadline() (time.Time, bool) { return l.force().Deadline() }

// Err implements [context.Context].
func (l *lazyContext) Err() error { return l.current().Err() }

// Value implements [context.Context]. The value that [context.Cause] asks for is the one of the
// context that has been made.
func (l *lazyContext) Value(key any) any { return l.current().Value(key) }
