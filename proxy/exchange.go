package proxy

import "lameduck/proxy/h1"

// An exchange is a request with its response. A tunnel, a TCP connection and an HTTP/2 stream count
// as exchanges too.
type exchange struct {
	method      h1.Method
	probe       bool // it is a health probe, and no traffic
	switches    bool // the response may end HTTP on this connection
	withholds   bool // the client may never send the body, see unframed.go
	eventSource bool // the client reconnects when an event stream ends
}
