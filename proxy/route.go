package proxy

import (
	"context"
	"sync"

	"lameduck/proxy/tlsterm"
)

// A route connects a listener to its app.
type route struct {
	Route
	tls       *tlsterm.Terminator // nil if TLS is not terminated
	conns     sync.WaitGroup      // connections, and questions to the app
	accepting context.Context     // done when the listener has been closed
}

func newRoute(accepting context.Context, r Route) *route {
	route := &route{Route: r, accepting: accepting}
	route.tls = tlsterm.New(tlsterm.Config{
		TLS:       r.TLS,
		Content:   r.Protocol.content(),
		Reencrypt: r.AppTLS,
		AskHTTP2:  route.askHTTP2,
		Go:        route.conns.Go, // Serve waits for it, as it does for connections
	})
	return route
}

// askHTTP2 tests whether the app supports HTTP/2 without TLS.
func (r *route) askHTTP2(header []byte) (yes, asked bool) {
	return tlsterm.AskHTTP2(r.accepting, r.Dial, header)
}
