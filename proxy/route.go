package proxy

import "sync"

// A route is a listener's way to its app.
type route struct {
	Route
	security *security // nil: TLS does not end here
	conns    sync.WaitGroup
}
