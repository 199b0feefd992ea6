package proxy

import (
	"context"
	"errors"
	"net"
	"syscall"
	"time"
)

// An app that ends by itself while we drain leaves us with connections that nobody serves. With a fallback, the address of the
// app's own Service mostly, they go to another pod: the cluster's own balancing has dropped a dying pod long before a slow load
// balancer does.
//
// What comes to us by a fallback, ours or that of another pod that is dying, is never passed on to one: it would go round in
// circles. A connection to a fallback is marked, and the mark must reach whoever accepts it through the address translation of a
// Service, without a byte that the app would see. The maximum segment size that its SYN announces does (RFC 9293 section 3.7.1).

// fallbackSegment is the maximum segment size by which a connection to a fallback is known. Every path of IPv6 allows it (an MTU of 1280
// leaves 1220), and no usual MTU results in it.
const fallbackSegment = 1187

// maxFallbacks bounds the connections to fallbacks that exist at a time, for where a proxy between the pods takes the mark off.
const maxFallbacks = 1024

// fallbackTimeout is how long a connection to a fallback may take: in a cluster it takes milliseconds.
const fallbackTimeout = 5 * time.Second

// DialFallback returns a Dialer for the fallback at address, host:port, whose connections are known where they arrive as coming from one.
func DialFallback(address string) Dialer {
	d := &net.Dialer{
		Timeout: fallbackTimeout,
		Control: func(_, _ string, c syscall.RawConn) (err error) {
			if failure := c.Control(func(fd uintptr) { err = markFallback(fd) }); failure != nil {
				return failure
			}
			return err
		},
	}
	return func(ctx context.Context) (Conn, error) {
		c, err := d.DialContext(ctx, "tcp", address)
		if err != nil {
			return nil, err
		}
		return c.(*net.TCPConn), nil
	}
}

// byFallback tells whether the client's connection has come by a fallback.
func byFallback(c Conn) (marked bool) {
	if o, ok := c.(*outer); ok {
		c = o.Conn
	}
	s, ok := c.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return false
	}
	_ = raw.Control(func(fd uintptr) { marked = isFallback(fd) })
	return marked
}

// errLoop says that a connection has come by a fallback and would leave by one.
var errLoop = errors.New("connection has come by a fallback already")

// errFallbacks says that there are as many connections to fallbacks as there may be.
var errFallbacks = errors.New("too many connections to fallbacks")

// fallsBack tells whether new connections go to the fallback once the app has ended.
func (s *Server) fallsBack(r *route) bool { return r.Fallback != nil && s.draining() }

// fallBack connects a client to the fallback.
func (c *conn) fallBack() (Conn, error) {
	s := c.server
	if byFallback(c.client) {
		return nil, errLoop
	}
	c.fellBack = true
	if s.stats.fallbacks.Add(1) > maxFallbacks {
		return nil, errFallbacks
	}
	s.stats.fellBack.Add(1)
	return c.route.Fallback(s.ctx)
}
