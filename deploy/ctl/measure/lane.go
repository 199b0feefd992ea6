package measure

import "net/http"

// A Protocol is a version of HTTP.
type Protocol string

// The protocols of lanes.
const (
	HTTP1 Protocol = "HTTP/1.1"
	HTTP2 Protocol = "HTTP/2"
	// GRPC is gRPC's health check (grpc.health.v1.Health/Check), over HTTP/2.
	GRPC Protocol = "gRPC"
	// WebSocket is a ping and its pong on a WebSocket.
	WebSocket Protocol = "WebSocket"
)

// alpn returns the name of the protocol in a TLS handshake.
func (p Protocol) alpn() string {
	if p.isHTTP2() {
		return "h2"
	}
	return "http/1.1"
}

// isHTTP2 reports whether the protocol is HTTP/2 or based on it.
func (p Protocol) isHTTP2() bool { return p == HTTP2 || p == GRPC }

// A Lane is one kind of request. The requests of all lanes alternate.
type Lane struct {
	Method   string // GET or POST; Check for gRPC, and ping for WebSocket
	Protocol Protocol
	New      bool // each request has a new connection
}

func (l Lane) String() string {
	return l.Method + " " + string(l.Protocol) + " " + l.Connections()
}

// Connections returns "new" or "kept".
func (l Lane) Connections() string {
	if l.New {
		return "new"
	}
	return "kept"
}

// lanes returns the lanes of the given protocols, for GET and, if post is set, for POST.
func lanes(protocols []Protocol, post bool) []Lane {
	methods := []string{http.MethodGet}
	if post {
		methods = append(methods, http.MethodPost)
	}
	var all []Lane
	for _, p := range protocols {
		methods := methods
		switch p {
		case GRPC:
			methods = []string{check}
		case WebSocket:
			methods = []string{"ping"}
		}
		for _, m := range methods {
			all = append(all, Lane{m, p, false}, Lane{m, p, true})
		}
	}
	return all
}
