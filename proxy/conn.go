package proxy

import (
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"lameduck/lifecycle/silence"
	"lameduck/proxy/mss"
	"lameduck/proxy/pump"
)

// A conn is one client connection bound to one app connection. Two goroutines relay it, one per direction:
// relayRequests and relayResponses. One that has been idle for a while is parked and has none.
type conn struct {
	server *Server
	route  *route
	client Conn
	app    Conn

	requests  pump.Flow       // owned by relayRequests
	source    *silence.Source // likewise; nil before the first exchange that is traffic
	responses pump.Flow       // owned by relayResponses

	mu          sync.Mutex
	changed     sync.Cond // told when outstanding, protocol or done change and somebody waits
	waiting     bool      // somebody waits for changed
	outstanding exchanges
	request     progress // how far the next or current request has come
	responding  bool     // a final response is being passed on
	closing     bool     // no further request is passed on
	hurried     bool     // its deadlines are final
	answering   bool     // relayRequests is about to answer in its turn
	refused     bool     // its turn has come: no further response is passed on
	protocol    protocol // what is spoken after a request that may switch
	switched    int      // the status with which the connection became a tunnel
	ending      ending   // set once: what ended the connection
	states      [2]state // of the directions
	left        int      // directions whose goroutine has ended for good
	parking     bool     // the directions are to park, or have
	token       uint64   // under which the parker knows the connection; 0: it does not
	interrupted [2]bool  // the directions are to look up from their reading
	newcomer    bool     // it was accepted while draining
	fellBack    bool     // the app's side is the fallback; owned by serve, and by the goroutine that ends the connection
	introduced  bool     // a header of the PROXY protocol has been passed on; owned by relayRequests
	events      bool     // an event stream is being passed on
	leaving     *time.Timer

	// Bytes that were on their way to the client when that was last looked at.
	seenByHold, seenByLinger int

	used atomic.Bool // something has come since the last sweep
	due  atomic.Bool // the direction from the app is to tell the client to leave

	keep *keeping // nil: an app's close is passed on

	activity *activity // nil: the connection is not unframed

	h2 *http2State // nil: HTTP/2 is not spoken
	ws *messages   // nil: WebSocket is not spoken
}

// A direction is an index into conn.states.
type direction int

const (
	fromClient direction = iota
	fromApp
)

// A state is what a direction's goroutine does.
type state uint8

const (
	running state = iota // it relays; leads to parked, away, surplus and done
	parked               // there is none: the connection is idle; leads to running
	away                 // there is none: the app has closed its side, and the client is kept; leads to running and done
	surplus              // it relays what no request has asked for, and then ends; leads to done
	done                 // there is none any more; leads nowhere
)

// A progress says how far a request has come.
type progress uint8

const (
	nothing  progress = iota // no byte of it is there; leads to arriving or passing
	arriving                 // a part of its head is in hand; leads to passing
	passing                  // it is outstanding and being passed on; its end leads to nothing
)

// serve relays one connection. The app's connection is made first, whether or not the client has sent anything: the app
// sees the connections that it would see without us, but for those whose TLS ends here and has not begun. It returns when the
// direction from the client has ended or is parked.
func (c *conn) serve() {
	growStack()
	app, err := c.reach()
	if err != nil {
		c.answerUnavailable(err)
		c.finish()
		return
	}
	if !c.bind(app) {
		c.endedBy(endedIdle)
		c.finish()
		return
	}
	go c.run(fromApp)
	c.run(fromClient)
}

// reach makes the connection that the client's is bound to.
func (c *conn) reach() (Conn, error) {
	if client, ok := c.client.(*outer); ok {
		return c.secure(client)
	}
	return c.dial()
}

// dial connects to the app or, once that has ended, to the fallback.
func (c *conn) dial() (Conn, error) {
	if c.route.Fallback != nil && hasMark(c.client, mss.Fallback) {
		return c.dialAtOnce()
	}
	app, err := c.server.dialApp(c.route)
	if err == errAppGone && c.server.fallsBack(c.route) {
		return c.fallBack()
	}
	return app, err
}

// run relays one direction until it has ended or is parked. The last direction to end ends the connection.
func (c *conn) run(d direction) {
	growStack()
	err := c.relay(d)
	if err == errParked || err == errAway {
		return
	}
	c.wake()
	if d == fromClient {
		c.relinquish(err)
		c.endRequests(err)
	} else {
		c.endResponses(err)
	}
	c.flow(d).Release()
	if c.lastToGo() {
		c.finish()
	}
}

// relay passes on what comes from one side, in the way of the protocol that is spoken at the time.
func (c *conn) relay(d direction) error {
	for {
		if err := c.relayAs(c.speaks(), d); err != errSpeaks {
			return err
		}
	}
}

func (c *conn) relayAs(p protocol, d direction) error {
	switch {
	case p.opaque():
		return c.relayTunnel(d)
	case p == http2:
		return c.relayFrames(d)
	case p == websocket:
		return c.relayMessages(d)
	case p == unframed:
		return c.relayUnframed(d)
	case p == unknown && d == fromClient:
		return c.sniff()
	case d == fromClient:
		return c.relayRequests()
	}
	return c.relayResponses()
}

// flow returns what carries the bytes of a direction.
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

// growStack makes room on a new goroutine's stack at once, while there is next to nothing on it: growing it in steps, each with
// a copy of all frames, is a fifth of the cost of a short connection.
//
//go:noinline
func growStack() {
	var room [2 << 10]byte
	runtime.KeepAlive(&room)
}

// lastToGo notes that the goroutine of a direction ends for good and tells whether it is the last one.
func (c *conn) lastToGo() (last bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left++
	return c.left == len(c.states)
}

// bind joins the app's connection to the client's. False: the connection has been closed meanwhile.
func (c *conn) bind(app Conn) bool {
	client, appEnd := pump.NewEnd(c.client), pump.NewEnd(app)
	closed := c.server.isClosed()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.app = app
	c.responses.Deadline.Watch(app)
	s := c.server
	c.requests.Init(client, appEnd, s.pipes, &s.stats.requestBytes)
	c.responses.Init(appEnd, client, s.pipes, &s.stats.responseBytes)
	if c.parkable() {
		s.parker.run()
	}
	return !closed && !c.closing
}

// finish ends the connection, which has no goroutine any more but the caller's.
func (c *conn) finish() {
	c.abandon()
	_ = c.client.Close()
	if c.app != nil {
		_ = c.app.Close()
	}
	c.server.unregister(c)
}

// finishDirection notes that a direction has ended and tells whether the other one had ended before.
func (c *conn) finishDirection(d direction) (last bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.states[d] = done
	c.tell()
	return c.states[1-d] == done
}

// tell wakes the direction that waits for the other one, if it does.
func (c *conn) tell() {
	if c.waiting {
		c.changed.Broadcast()
	}
}

// wait waits for a change. The caller holds mu and looks again.
func (c *conn) wait() {
	c.waiting = true
	c.changed.Wait()
	c.waiting = false
}

func (c *conn) halfCloseLimit() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inFlight() > 0 || c.protocol == tunnel {
		return halfCloseTimeout
	}
	return lingerTimeout
}

// inFlight returns how many exchanges are not over. The caller holds mu.
func (c *conn) inFlight() int {
	n := c.outstanding.len()
	if c.h2 != nil {
		n += c.h2.streams.len()
	}
	return n
}

// speaks returns what is spoken now.
func (c *conn) speaks() protocol {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.protocol
}

func (c *conn) progress() progress {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.request
}

func (c *conn) setProgress(p progress) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.request = p
	c.unpark()
}

func (c *conn) isClosing() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closing
}

// addr returns the client's address without its port; the zero Addr when it has none.
func (c *conn) addr() netip.Addr {
	a, ok := c.client.RemoteAddr().(interface{ AddrPort() netip.AddrPort })
	if !ok {
		return netip.Addr{}
	}
	return a.AddrPort().Addr()
}
