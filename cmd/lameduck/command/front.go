package command

import (
	"net"
	"net/netip"
	"sync"

	"go.uber.org/zap"

	"lameduck/lifecycle/takeover"
	"lameduck/proxy"
)

// fronts are the listeners of taken-over ports. They are opened when the app listens, at the
// addresses where it listens. The zero value is ready to use; listeners wait until start is called.
type fronts struct {
	mu      sync.Mutex
	serve   func(route int, ln net.Listener) // nil before start
	waiting []front
	closed  bool
}

type front struct {
	route int
	ln    net.Listener
}

// start serves the listeners that wait, and those that are added from now on.
func (f *fronts) start(serve func(route int, ln net.Listener)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.serve = serve
	for _, w := range f.waiting {
		serve(w.route, w.ln)
	}
	f.waiting = nil
}

func (f *fronts) add(route int, ln net.Listener) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.closed:
		_ = ln.Close()
	case f.serve == nil:
		f.waiting = append(f.waiting, front{route, ln})
	default:
		f.serve(route, ln)
	}
}

// close closes the listeners that wait, and those that are added from now on.
func (f *fronts) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	for _, w := range f.waiting {
		_ = w.ln.Close()
	}
	f.waiting = nil
}

// openFront returns how a route's port is opened.
func (p *process) openFront(route int) takeover.Front {
	return func(network string, at netip.AddrPort) error {
		ln, err := proxy.Listen(network, at.String())
		if err != nil {
			return err
		}
		p.log.Info("listening in place of the app", zap.Stringer("address", ln.Addr()))
		p.fronts.add(route, ln)
		return nil
	}
}
