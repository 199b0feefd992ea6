package proxy

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"lameduck/proxy/pump"
)

// A conn is a client connection that is bound to an app connection. Two goroutines relay it, one for
// each direction. While it is parked it has none.
//
// What it does with the bytes is the relayer's affair, which belongs to a protocol.
type conn struct {
	server *shared
	route  *route

	client Conn // replaced by the TLS handshake, before anything is relayed
	app    Conn // nil until the app is reached; replaced while the direction from the app is detached

	requests  pump.Flow // owned by the direction from the client
	responses pump.Flow // owned by the direction from the app

	sniffing sniffState // owned by the direction from the client
	fellBack bool       // the app is the fallback; owned by serve, and by the last direction to end

	newRelayer func(*conn, protocol) relayer
	finished   func(*conn) // called when the connection has ended

	request atomic.Uint32 // progress of the next or current HTTP/1 request; set by the direction from the client
	used    atomic.Bool   // bytes have come since the last sweep

	mu mutex
	// Guarded by mu.
	changed    sync.Cond // signaled when any of the following changes and waiting is true
	waiting    bool
	watch      *clientWatch // of the client in waits, or nil if there has been none
	responding bool         // a response is being relayed
	stale      bool         // the outstanding request has to be sent again: the app has closed without an answer
	protocol   protocol
	relayer    relayer
	ledger     ledger
	life       lifetime
	parking    parking
	notice     noticeState
	unread     unread
	upload     *upload // a request that outlasts its response, or nil
}

// progress returns how far the next or current request has come.
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
	parked                  // there is no goroutine, because the connection is idle; leads to relaying
	away                    // there is no goroutine, because the app has closed and the client is kept; leads to relaying and done
	surplus                 // it relays what no request has asked for, and ends then; leads to done
	discarding              // it reads what the client still sends, and relays nothing; leads to done
	done                    // there is no goroutine any more; leads nowhere
)

// attachLocked makes app the other end of both directions.
func (c *conn) attachLocked(app Conn) {
	s, client, appEnd := c.server, pump.NewEnd(c.client), pump.NewEnd(app)
	c.app = app
	c.responses.Deadline.Watch(app)
	c.requests.Init(client, appEnd, s.pipes, &s.stats.requestBytes)
	c.responses.Init(appEnd, client, s.pipes, &s.stats.responseBytes)
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
	a, ok := c.RemoteAddr().(interface{ AddrPort() netip.AddrPort })
	if !ok {
		return netip.Addr{}
	}
	return a.AddrPort().Addr()
}

// A progress is how far a request has come.
type progress uint32

const (
	idle       progress = iota // no byte of it has come; leads to arriving, headPassed and passing
	arriving                   // a part of its head has come; leads to headPassed and passing, and to idle if it was an empty line
	headPassed                 // its head is being relayed, and its client waits before it sends the body; leads to passing
	passing                    // it is outstanding and being relayed; leads to outlasting, and its end to idle
	outlasting                 // it is being relayed although its response has ended; its end leads to idle
)

// swapProgress changes the progress if it is from, and reports whether it was.
func (c *conn) swapProgress(from, to progress) bool {
	return c.request.CompareAndSwap(uint32(from), uint32(to))
}

// isRelaying reports whether a request has begun to be relayed and has not ended.
func (p progress) isRelaying() bool { return p >= headPassed }

// lingerTimeout is how long a connection whose response side has ended may take to end its request side,
// and how long a half-closed one with nothing outstanding may last. RFC 9112 section 9.6: a server
// closes in stages, so that no RST destroys what the client has not read.
const lingerTimeout = 5 * time.Second

// halfCloseTimeout is how long the open direction of a half-closed connection may be silent while an
// answer is outstanding or in a tunnel. A slow answer looks like a lost one, so it is long.
const halfCloseTimeout = 10 * time.Minute

// cutTimeout is how long the two sides of a connection that is cut may take to close theirs.
const cutTimeout = time.Second

// A lifetime is how far a connection has come to its end. It is guarded by conn.mu.
type lifetime struct {
	ending  ending
	states  [2]state
	left    int  // directions whose goroutine has ended for good
	closing bool // no further request is relayed
	final   bool // the deadlines are final
}

// end records what ended the connection, unless that is known.
func (l *lifetime) end(e ending) {
	if l.ending == endedOpen {
		l.ending = e
	}
}

// A parking is what is known of a connection that is parked, or is about to be. It is guarded by conn.mu.
type parking struct {
	wanted      bool    // the directions are to park, or have
	token       uint64  // under which the parker knows the connection, or 0
	interrupted [2]bool // the reads of the directions are to return
}

// A noticeState is what is known of the notice to a client. Its fields but due are guarded by conn.mu.
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

// An unread holds the number of bytes that the client had not received when that was last looked at: by
// the hold, and by a connection that lingers. It is guarded by conn.mu.
type unread struct{ byHold, byLinger int }

// A sniffState is what is known of a connection whose protocol is being detected.
type sniffState struct {
	proxyHeaderDone bool // the header of the PROXY protocol has been relayed
}
