package proxy

import "sync"

// A route is a listener's way to its app.
type route struct {
	Route
	security *security // nil if TLS is not terminated
	conns    sync.WaitGroup
}
