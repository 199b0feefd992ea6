package proxy

import (
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"

	"lameduck/proxy/pump"
)

// A conn is a client connection that is bound to an app connection. Two goroutines relay it, one for
// each direction. While it is parked it has none.
//
// What it does with the bytes is the relayer's affair, which belongs to a protocol.
type conn struct {
	server *Server
	route  *route

	client Conn // replaced by the TLS handshake, before anything is relayed
	app    Conn // nil until the app is reached; replaced while the direction from the app is detached

	requests  pump.Flow // owned by the direction from the client
	responses pump.Flow // owned by the direction from the app

	http1    http1Conn  // the relayer of HTTP/1, and of a connection whose protocol is unknown
	sniffing sniffState // owned by the direction from the client
	fellBack bool       // the app is the fallback; owned by serve, and by the last direction to end

	used atomic.Bool // bytes have come since the last sweep

	mu sync.Mutex
	// Guarded by mu.
	changed  sync.Cond // signaled when any of the following changes and waiting is true
	waiting  bool
	protocol protocol
	relayer  relayer
	ledger   ledger
	life     lifetime
	parking  parking
	notice   noticeState
	unread   unread
}

// A direction is one of the two ways through a connection.
type direction int

const (
	fromClient direction = iota
	fromApp
)

// A state is what the goroutine of a direction does.
type state uint8

const (
	relaying state = iota // leads to parked, away, surplus and done
	parked                // there is no goroutine, because the connection is idle; leads to relaying
	away                  // there is no goroutine, because the app has closed and the client is kept; leads to relaying and done
	surplus               // it relays what no request has asked for, and ends then; leads to done
	done                  // there is no goroutine any more; leads nowhere
)

// init makes c ready for serve, with the client's connection.
func (c *conn) init(s *Server, r *route, client Conn) {
	c.server, c.route, c.client = s, r, client
	c.changed.L = &c.mu
	c.ledger.server, c.ledger.addr = s, addrOf(client)
	c.notice.newcomer = s.draining()
	c.requests.Deadline.Watch(client)
	c.http1.init(c)
	c.protocol, c.relayer = r.start(), &c.http1
	if c.protocol == http2 {
		c.relayer = newHTTP2(c)
	}
}

// serve relays the connection. The app is dialed first, whether or not the client has sent anything, so
// that the app sees the same connections as without us; only TLS that we terminate has to begin before.
// It returns when the direction from the client has ended or is parked.
func (c *conn) serve() {
	growStack()
	app, err := c.reach()
	if err != nil {
		c.answerUnavailable(err)
		c.finish()
		return
	}
	if !c.bind(app) {
		c.endBy(endedIdle)
		c.finish()
		return
	}
	go c.run(fromApp)
	c.run(fromClient)
}

// reach dials the app, and terminates the client's TLS if the route says so.
func (c *conn) reach() (Conn, error) {
	if client, ok := c.client.(*outer); ok {
		return c.secure(client)
	}
	return c.dial()
}

// bind joins the app's connection to the client's. It returns false if the connection has been closed in
// the meantime.
func (c *conn) bind(app Conn) bool {
	closed := c.server.isClosed()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.attachLocked(app)
	if c.parkable() {
		c.server.parker.run()
	}
	return !closed && !c.life.closing
}

// attachLocked makes app the other end of both directions.
func (c *conn) attachLocked(app Conn) {
	s, client, appEnd := c.server, pump.NewEnd(c.client), pump.NewEnd(app)
	c.app = app
	c.responses.Deadline.Watch(app)
	c.requests.Init(client, appEnd, s.pipes, &s.stats.requestBytes)
	c.responses.Init(appEnd, client, s.pipes, &s.stats.responseBytes)
}

// run relays one direction until it ends, or the connection is parked or the app detached. The last
// direction to end ends the connection.
func (c *conn) run(d direction) {
	growStack()
	o := c.relay(d)
	if o.verdict == idling || o.verdict == detached {
		return
	}
	c.wake()
	if d == fromClient {
		c.http1.reconnect.giveUp(o)
		c.endRequests(o)
	} else {
		c.endResponses(o)
	}
	c.flow(d).Release()
	if c.lastToEnd() {
		c.finish()
	}
}

// relay relays what comes from one side, in one protocol after the other.
func (c *conn) relay(d direction) outcome {
	for {
		if o := c.current().relay(d); o.verdict != switched {
			return o
		}
	}
}

// flow returns the flow of a direction.
func (c *conn) flow(d direction) *pump.Flow {
	if d == fromClient {
		return &c.requests
	}
	return &c.responses
}

// side returns the connection that a direction reads from.
func (c *conn) side(d direction) Conn {
	if d == fromClient {
		return c.client
	}
	return c.app
}

// growStack grows the stack of a new goroutine at once, while there is next to nothing on it. Growing it
// in steps, each with a copy of all frames, is a fifth of the cost of a short connection.
//
//go:noinline
func growStack() {
	var room [2 << 10]byte
	runtime.KeepAlive(&room)
}

// finish ends the connection. The caller's goroutine is its last one.
func (c *conn) finish() {
	c.mu.Lock()
	c.notice.stop()
	c.relayer.closeLocked()
	c.ledger.close()
	c.mu.Unlock()
	_ = c.client.Close()
	if c.app != nil {
		_ = c.app.Close()
	}
	c.server.unregister(c)
}

// pushLocked accounts for an exchange that is answered in its turn.
func (c *conn) pushLocked(e exchange) {
	c.used.Store(true)
	c.unparkLocked()
	c.ledger.push(e)
}

// inFlightLocked returns the number of exchanges that have not ended.
func (c *conn) inFlightLocked() int { return c.ledger.len() + c.relayer.streamsLocked() }

// broadcastLocked wakes the direction that waits for a change of the other one, if it does.
func (c *conn) broadcastLocked() {
	if c.waiting {
		c.changed.Broadcast()
	}
}

// waitLocked waits for a change. The caller looks at the state again.
func (c *conn) waitLocked() {
	c.waiting = true
	c.changed.Wait()
	c.waiting = false
}

// addrOf returns the remote address without its port, or the zero Addr if it has none.
func addrOf(c Conn) netip.Addr {
	a, ok := c.RemoteAddr().(interface{ AddrPort() netip.AddrPort })
	if !ok {
		return netip.Addr{}
	}
	return a.AddrPort().Addr()
}
