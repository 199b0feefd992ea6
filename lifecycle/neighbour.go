package lifecycle

import (
	"context"
	"sync"
	"time"
)

// A Neighbour is an app that runs beside us, so that nobody reports its end. While draining it is looked for.
type Neighbour struct {
	gone  chan struct{}
	close sync.Once
	look  Look
}

// A Look reports whether anybody listens at an app's addresses, and how long to wait before the next look: one that
// has to dial takes a place in the app's backlog.
type Look func(ctx context.Context) (present bool, pause time.Duration)

// NewNeighbour returns the app that look looks for.
func NewNeighbour(look Look) *Neighbour {
	return &Neighbour{gone: make(chan struct{}), look: look}
}

// absentLooks is how many looks in a row must find nobody, absentPause apart: an app that restarts, or replaces its
// listener, is without one for a moment.
const (
	absentLooks = 4
	absentPause = 50 * time.Millisecond
)

// Watch looks for the app until it has gone or ctx is done.
func (n *Neighbour) Watch(ctx context.Context) {
	for absent := 0; ; {
		present, pause := n.look(ctx)
		if present {
			absent = 0
		} else {
			absent++
			pause = absentPause
		}
		if absent == absentLooks {
			n.close.Do(func() { close(n.gone) })
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// Exited is closed when the app has exited.
func (n *Neighbour) Exited() <-chan struct{} { return n.gone }

// Release does nothing: the app's own supervisor stops it when /hold is answered.
func (n *Neighbour) Release() {}

// Policy returns the policy for an app that another supervisor ends.
func (n *Neighbour) Policy() Policy { return Policy{} }
