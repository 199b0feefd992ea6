package proxy

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"lameduck/proxy/pump"
)

// A conn is a client connection that is bound to an app connection. Two goroutines relay it, one
// for each direction. A parked connection has none.
//
// The relayer of its protocol decides what happens to the bytes.
type conn struct {
	server *shared
	route  *route

	client Conn // replaced by the TLS handshake, before anything is relayed
	app    Conn // nil until the app is reached; replaced while its direction is detached

	requests  pump.Flow // owned by the direction from the client
	responses pump.Flow // owned by the direction from the app

	sniffing sniffState // owned by the direction from the client
	fellBack bool       // the app is the fallback; owned by serve, and by the last direction to end

	newRelayer func(*conn, protocol) relayer
	finished   func(*conn) // called when the connection has ended

	request atomic.Uint32 // progress of an HTTP/1 request; set by the direction from the client
	used    atomic.Bool   // bytes have come since the last sweep

	mu mutex
	// Guarded by mu.
	changed    sync.Cond // signaled when any of the following changes and waiting is true
	waiting    bool
	watch      *clientWatch // of the client in waits, or nil if there has been none
	responding bool         // a response is being relayed
	stale      bool         // the app has closed without an answer: the request is sent again
	protocol   protocol
	relayer    relayer
	ledger     ledger
	life       lifetime
	parking    parking
	notice     noticeState
	unread     unread
	upload     *upload // a request that outlasts its response, or nil
}

// progress returns the progress of the current request, or of the next one.
func (c *conn) progress() progress { return progress(c.request.Load()) }

// A direction is one of the two ways through a connection.
type direction int

const (
	fromClient direction = iota
	fromApp
)

// A state is what the goroutine of a direction does.
type state uint8

const (
	relaying   state = iota // leads to parked, away, surplus, discarding and done
	parked                  // no goroutine, because the connection is idle; leads to relaying
	away                    // no goroutine, because the app has closed; leads to relaying and done
	surplus                 // it relays what no request has asked for, and ends then; leads to done
	discarding              // it reads what the client still sends, and relays nothing; leads to done
	done                    // no goroutine any more; leads nowhere
)

// attachLocked makes app the other end of both directions.
func (c *conn) attachLocked(app Conn) {
	s, client, appEnd := c.server, pump.NewEnd(c.client), pump.NewEnd(app)
	c.app = app
	c.responses.Deadline.Watch(app)
	c.requests.Init(client, appEnd, s.pipes, &s.stats.requestBytes)
	c.responses.Init(appEnd, client, s.pipes, &s.stats.responseBytes)
	pump.Pair(&c.requests, &c.responses)
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

// inFlightLocked returns the number of exchanges that have not ended.
func (c *conn) inFlightLocked() int { return c.unfinishedLocked() + c.upload.inFlight() }

// unfinishedLocked returns the number of exchanges that have not been answered completely.
func (c *conn) unfinishedLocked() int { return c.ledger.len() + c.relayer.streamsLocked() }

// broadcastLocked wakes the direction that waits for a change of the other one, if it does.
func (c *conn) broadcastLocked() {
	if c.waiting {
		c.changed.Broadcast()
	}
}

// addrOf returns the remote address without its port, or the zero Addr if it has none.
func addrOf(c Conn) netip.Addr {
	if c, ok := c.(interface{ RemoteAddrPort() netip.AddrPort }); ok {
		return c.RemoteAddrPort().Addr()
	}
	a, ok := c.RemoteAddr().(interface{ AddrPort() netip.AddrPort })
	if !ok {
		return netip.Addr{}
	}
	return a.AddrPort().Addr()
}

// A progress is the progress of a request.
type progress uint32

const (
	idle       progress = iota // no byte of it has come; leads to arriving, headPassed and passing
	arriving                   // a part of its head has come; leads to idle, headPassed and passing
	headPassed                 // its head is relayed, its body is awaited; leads to passing
	passing                    // it is outstanding and being relayed; leads to idle and outlasting
	outlasting                 // it is being relayed although its response has ended; leads to idle
)

// swapProgress changes the progress if it is from, and reports whether it was.
func (c *conn) swapProgress(from, to progress) bool {
	return c.request.CompareAndSwap(uint32(from), uint32(to))
}

// isRelaying reports whether a request has begun to be relayed and has not ended.
func (p progress) isRelaying() bool { return p >= headPassed }

// lingerTimeout bounds the time between the ends of a connection's response side and its request
// side, and the life of a half-closed connection with nothing outstanding. A server closes in
// stages, so that no RST destroys what the client has not read (RFC 9112 section 9.6).
const lingerTimeout = 5 * time.Second

// halfCloseTimeout is how long the open direction of a half-closed connection may be silent while a
// response is outstanding, or in a tunnel. It is long because a slow response looks like a lost
// one.
const halfCloseTimeout = 10 * time.Minute

// openingTimeout is the same for a connection on which nothing has been sent, or a part of a request
// head. The other side may still speak, but most such connections are over.
const openingTimeout = time.Minute

// cutTimeout is how long the peers of a connection that is cut may take to close their sides.
const cutTimeout = time.Second

// A lifetime tracks how a connection ends. It is guarded by conn.mu.
type lifetime struct {
	ending  ending
	states  [2]state
	left    int  // directions with a goroutine that has ended for good
	closing bool // no further request is relayed
	final   bool // the deadlines are final
}

// end records what ended the connection, unless that is known.
func (l *lifetime) end(e ending) {
	if l.ending == endedOpen {
		l.ending = e
	}
}

// A parking is the state of a connection that is parked, or is about to be. It is guarded by
// conn.mu.
type parking struct {
	wanted      bool    // the directions are to park, or have
	token       uint64  // under which the parker knows the connection, or 0
	interrupted [2]bool // the reads of the directions are to return
}

// A noticeState is the state of the notice to a client. All fields but due are guarded by conn.mu.
type noticeState struct {
	newcomer bool // the connection was accepted while draining
	timer    *time.Timer
	due      atomic.Bool // the direction from the app is to send the notice
}

// stop cancels a notice that has not been sent.
func (n *noticeState) stop() {
	if n.timer != nil {
		n.timer.Stop()
	}
	n.due.Store(false)
}

// An unread holds the number of bytes that the client had not received at the last look: one for
// the looks of the hold, one for those while lingering. It is guarded by conn.mu.
type unread struct{ byHold, byLinger int }

// A sniffState is the state of protocol detection.
type sniffState struct {
	proxyHeaderDone bool // the header of the PROXY protocol has been relayed
}
