package proxy

import "time"

// A Protocol is what is spoken on a route. The zero value is [Auto].
type Protocol uint8

// The protocols that a route can be restricted to.
const (
	Auto  Protocol = iota // detected from the first bytes; TCP if the app speaks first
	HTTP1                 // HTTP/1.0 and HTTP/1.1 with what they switch to, and nothing else
	H2C                   // HTTP/2 without TLS, with its preface
	TCP                   // bytes
)

// start returns what a connection of the route speaks before anything has been sent. A TCP connection on
// which nothing has been sent is unknown, since it may be a probe. So is one that begins with a header
// of the PROXY protocol.
func (r *Route) start() protocol {
	switch {
	case r.Proxied:
		return unknown
	case r.Protocol == HTTP1:
		return http1
	case r.Protocol == H2C:
		return http2
	}
	return unknown
}

// A protocol is what a connection speaks.
type protocol uint8

const (
	unknown   protocol = iota // nothing has been sent; leads to http1, http2 and tcp
	http1                     // leads to undecided with a request that may switch, and to unframed
	undecided                 // such a request is outstanding; its final response leads to http1, http2, websocket, tunnel or unframed
	http2                     // leads to tunnel if the frames are invalid
	websocket                 // likewise
	tunnel                    // bytes behind a CONNECT, or behind an upgrade that is not followed; leads nowhere, like the rest
	tcp                       // bytes from the start
	unframed                  // HTTP/1 in which it is unknown where messages begin
	protocols
)

// protocolNames are the values of the label protocol.
var protocolNames = [protocols]string{"none", "http1", "http1", "http2", "websocket", "tunnel", "tcp", "http1"}

func (p protocol) String() string { return protocolNames[p] }

// counted are the protocols that connections are counted by.
var counted = []protocol{unknown, http1, http2, websocket, tunnel, tcp}

// final returns the protocol that a connection which ends with p is counted by.
func (p protocol) final() protocol {
	if p == undecided || p == unframed {
		return http1
	}
	return p
}

// opaque reports whether the connection carries bytes without any known structure.
func (p protocol) opaque() bool { return p == tunnel || p == tcp }

// A relayer relays a connection in one protocol. Each direction calls relay in its own goroutine. The
// methods with the suffix Locked are called with conn.mu held, by any goroutine.
type relayer interface {
	// relay relays one direction until it ends or another protocol follows.
	relay(d direction) outcome
	// idleLocked reports whether both directions probably wait with nothing in hand, so that the connection
	// may be parked.
	idleLocked() bool
	// streamsLocked returns the number of exchanges in flight that the ledger does not hold.
	streamsLocked() int
	// unansweredLocked returns the number of exchanges that the app has not answered completely, without
	// health probes.
	unansweredLocked() int
	// noticeDelayLocked returns how long the client is left alone in a drain, and the period over which the
	// notices of such connections are spread. A zero spread means that there is no notice.
	noticeDelayLocked() (after, spread time.Duration)
	// closeLocked accounts for what has not ended when the connection, or the protocol, ends.
	closeLocked()
}

// A base is a relayer without streams, timers and notices.
type base struct{ *conn }

func (base) idleLocked() bool                            { return true }
func (base) streamsLocked() int                          { return 0 }
func (base) unansweredLocked() int                       { return 0 }
func (base) noticeDelayLocked() (after, _ time.Duration) { return 0, 0 }
func (base) closeLocked()                                {}

// current returns the relayer of the protocol that is spoken now.
func (c *conn) current() relayer {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.relayer
}

// speaks returns the protocol that is spoken now.
func (c *conn) speaks() protocol {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.protocol
}

// speakLocked changes the protocol.
func (c *conn) speakLocked(p protocol) {
	c.protocol = p
	switch p {
	case http2:
		c.relayer = newHTTP2(c)
	case websocket:
		c.relayer = newWebSocket(c)
	case tunnel:
		c.relayer = &tunnelConn{base{c}}
	case tcp:
		c.relayer = &tunnelConn{base{c}}
		c.pushLocked(exchange{}) // in flight until the connection ends
	default:
		c.relayer = &c.http1
	}
	c.broadcastLocked()
	c.scheduleNoticeLocked()
}
