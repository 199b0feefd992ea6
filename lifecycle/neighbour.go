package lifecycle

import (
	"context"
	"sync"
	"time"
)

// A Neighbour is an app that runs beside us, so that nobody tells us when it ends. While we drain it is looked for, in the
// way of a kubelet's tcpSocket probe: by connections that say nothing and end at once.
type Neighbour struct {
	gone    chan struct{}
	close   sync.Once
	refuses func(ctx context.Context) bool
}

// NewNeighbour returns the app that refuses looks for: it tells whether nobody listens at the app's addresses any more.
func NewNeighbour(refuses func(ctx context.Context) bool) *Neighbour {
	return &Neighbour{gone: make(chan struct{}), refuses: refuses}
}

// watchInterval is the time between two looks, and watchTwice how many in a row must find nobody: an app that replaces
// its listener is without one for a moment.
const (
	watchInterval = 50 * time.Millisecond
	watchTwice    = 2
)

// Watch looks for the app's end until it has come or ctx is done.
func (n *Neighbour) Watch(ctx context.Context) {
	ticker := time.NewTicker(watchInterval)
	defer ticker.Stop()
	for refused := 0; refused < watchTwice; {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if n.refuses(ctx) {
			refused++
		} else {
			refused = 0
		}
	}
	n.close.Do(func() { close(n.gone) })
}

// Gone is closed when the app has ended.
func (n *Neighbour) Gone() <-chan struct{} { return n.gone }

// Stop does nothing: the app's own supervisor ends it when /hold is answered.
func (n *Neighbour) Stop() {}

// Owned is false.
func (n *Neighbour) Owned() bool { return false }
