package proxy

import (
	"context"
	"sync"
)

// A route is a listener's way to its app.
type route struct {
	Route
	security  *security       // nil if TLS is not terminated
	conns     sync.WaitGroup  // connections, and questions to the app
	accepting context.Context // done when the listener has been closed
}
