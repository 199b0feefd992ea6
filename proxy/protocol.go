package proxy

// A Protocol says what is spoken on a route. The zero value is [Auto].
type Protocol uint8

// The protocols that a route can be told to speak.
const (
	Auto  Protocol = iota // what each connection begins with tells; where the app speaks first it is TCP
	HTTP1                 // HTTP/1.0 and HTTP/1.1, whatever they switch to, and nothing else
	H2C                   // HTTP/2 without TLS, begun with its preface
	TCP                   // bytes
)

// start is what a connection of the route speaks before anything has been said. A TCP connection that says nothing is none
// yet: it may be a probe. And a header of the PROXY protocol is none of what is spoken behind it.
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
	unknown   protocol = iota // nothing has been said; leads to http1, http2 and tcp
	http1                     // leads to undecided with a request that may switch, and to unframed
	undecided                 // such a request is outstanding; its final response leads to http1, http2, websocket, tunnel or unframed
	http2                     // this and what follows leads nowhere
	websocket
	tunnel   // what a CONNECT or an upgrade that we do not follow has left: bytes
	tcp      // bytes from the start
	unframed // HTTP/1 in which it cannot be known any more where messages begin
	protocols
)

// protocolNames are the values of the label protocol.
var protocolNames = [protocols]string{"none", "http1", "http1", "http2", "websocket", "tunnel", "tcp", "http1"}

func (p protocol) String() string { return protocolNames[p] }

// spoke returns what the connection has spoken in the end, for counts. It has no goroutine any more.
func (c *conn) spoke() protocol {
	if c.protocol == undecided || c.protocol == unframed {
		return http1
	}
	return c.protocol
}

// counted are the protocols that connections are counted by.
var counted = []protocol{unknown, http1, http2, websocket, tunnel, tcp}

// opaque tells whether the connection carries bytes that nobody follows.
func (p protocol) opaque() bool { return p == tunnel || p == tcp }
