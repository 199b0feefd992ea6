package proxy

import "lameduck/proxy/tlsterm"

// A Protocol is the protocol of a route. The zero value is [Auto].
type Protocol uint8

// The protocols that a route can be restricted to.
const (
	Auto  Protocol = iota // detected from the first bytes; TCP if the app speaks first
	HTTP1                 // HTTP/1.0 and HTTP/1.1 with what they switch to, and nothing else
	H2C                   // HTTP/2 without TLS, with its preface
	TCP                   // bytes
)

// content returns what is relayed within TLS on a route of the protocol.
func (p Protocol) content() tlsterm.Content {
	switch p {
	case HTTP1:
		return tlsterm.HTTP1
	case H2C:
		return tlsterm.HTTP2
	case TCP:
		return tlsterm.Other
	}
	return tlsterm.Any
}

// start returns the protocol of a connection before anything has been sent. On a route for TCP it
// is unknown, since the connection may be a probe; on one with the PROXY protocol, since the header
// comes first.
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

// A protocol is the protocol of a connection.
type protocol uint8

const (
	unknown   protocol = iota // nothing has been sent; leads to http1, http2 and tcp
	http1                     // leads to undecided with a request that may switch, and to unframed
	undecided                 // such a request is outstanding; leads to all but unknown and tcp
	http2                     // leads to tunnel if the frames are invalid
	websocket                 // leads to tunnel if the frames are invalid
	tunnel                    // bytes behind a CONNECT or an unknown upgrade; leads nowhere
	tcp                       // bytes from the start; leads nowhere
	unframed                  // HTTP/1 in which it is unknown where messages begin; leads nowhere
	protocols
)

// protocolNames are the values of the label protocol.
var protocolNames = [protocols]string{
	"none", "http1", "http1", "http2", "websocket", "tunnel", "tcp", "http1",
}

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
