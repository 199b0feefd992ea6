package proxy

import (
	"context"
	"errors"
	"sync"
	"syscall"
	"time"

	"lameduck/proxy/pump"
	"lameduck/proxy/tlsterm"
)

// An app with a full backlog, or one that restarts, keeps its clients waiting. If a client leaves
// in the meantime, its wait ends at once: it occupies a slot and two goroutines, and an app that
// accepts again would first get dead connections. What the client has sent stays in the kernel.

// usualDial is the longest time that dialing the app usually takes. After that the client is
// watched.
const usualDial = 20 * time.Millisecond

// errClientLeft reports that the client has left while its connection waited for the app.
var errClientLeft = errors.New("client left while waiting for the app")

// A departure ends the wait of a client for the app when the client leaves. A client that has only
// ended its side may still wait for an answer, unless it has sent nothing.
type departure struct {
	server *shared
	client syscall.RawConn // nil if it cannot be watched
	asked  bool            // the end of the client's side is not its departure
	wait   lazyContext
	cancel context.CancelCauseFunc // of wait, once it is made
	timer  *time.Timer             // the same

	mu      sync.Mutex
	waiting bool   // it takes longer than usual
	stopped bool   // the wait is over
	token   uint64 // of the parker, or 0
}

// watchDeparture returns a context that is done when the client of c has left. The client is watched
// from when something waits for the context. The caller stops the departure when it does not wait
// any more.
func watchDeparture(c *conn) (context.Context, *departure) {
	d := &departure{
		server: c.server,
		client: pump.RawOf(tlsterm.Beneath(c.client)),
		// In plain TCP the server may speak first, while the client is silent. A connection that
		// has had an app before holds a request.
		asked: c.app != nil || c.route.Protocol == TCP && c.route.tls == nil,
	}
	d.wait.parent, d.wait.make = c.server.ctx, d.watch
	return &d.wait, d
}

// watch makes the context.
func (d *departure) watch(parent context.Context) context.Context {
	ctx, cancel := context.WithCancelCause(parent)
	d.cancel = cancel // before the timer, whose goroutine reads it
	d.timer = time.AfterFunc(usualDial, d.begin)
	return ctx
}

// begin starts to watch the client, and counts its data as unread.
func (d *departure) begin() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.stopped {
		return
	}
	d.waiting = true
	d.server.waiting.Add(1)
	if d.client == nil {
		return
	}
	d.server.parker.run()
	d.token = d.server.parker.watchEnd(d.client, d.look)
}

// look finds out how the client has ended its side.
func (d *departure) look() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.stopped {
		return
	}
	switch end, over := endOfPeer(d.client); {
	case end == peerGone, end == peerSilent && !d.asked:
		d.cancel(errClientLeft)
	case !over:
		d.server.parker.watchReset(d.client, d.token)
	}
}

// stop ends the wait. If it was longer than usual, silence begins now, unless read is set: then what
// the client has sent is read at once, and counts as what it is.
func (d *departure) stop(read bool) {
	if !d.wait.close() {
		return
	}
	d.timer.Stop()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stopped = true
	d.cancel(nil)
	if d.token != 0 {
		d.server.parker.unwatch(d.client, d.token)
	}
	if d.waiting {
		d.server.waiting.Add(-1)
		if !read {
			d.server.noteUnwatched()
		}
	}
}

// A peerEnd is how the peer of a TCP connection has ended it.
type peerEnd uint8

const (
	peerStays  peerEnd = iota
	peerAsked          // it has ended its side, behind bytes that have not been read
	peerSilent         // it has ended its side, and there is nothing to read
	peerGone           // it has reset the connection
)
