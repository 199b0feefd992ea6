package proxy

import (
	"context"
	"errors"
	"net"
	"syscall"
	"time"

	"go.uber.org/zap"
)

// An app that ends by itself while we drain leaves us with connections that nobody serves. With a fallback, the address of the
// app's own Service mostly, they go to another pod: the cluster's own balancing has dropped a dying pod long before a slow load
// balancer does.
//
// For a moment the Service may still lead back to us, or to another pod that is in the same place. Then who dials has to dial again,
// and who accepts must not dial at all: it would go round in circles. Each shows the other what it is in a way that goes through the
// address translation of a Service and adds no byte: by the maximum segment size that its SYN announces (RFC 9293 section
// 3.7.1), see segment. Who dials sees what has answered before it sends a byte. Who accepts cannot see that of a connection that
// was made after it had begun to show it has no app, since the kernel caps the other's size by its own; but whoever has come by
// a fallback leaves it without a byte then. So it waits for the first one.

// A segment is a maximum segment size that says something. Every path of IPv6 allows these (an MTU of 1280 leaves 1220), and no usual MTU
// results in them.
type segment int

const (
	byFallback segment = 1187 // the connection is one to a fallback
	withoutApp segment = 1163 // the server that has accepted it has no app any more; below byFallback, which caps what is seen of it
)

// firstByteWait is how long a client may say nothing before it is taken for one whose server speaks first. Who has come by a
// fallback has left long before.
const firstByteWait = time.Second

// maxFallbacks bounds the connections to fallbacks that exist at a time, for where a proxy between the pods takes the mark off.
const maxFallbacks = 1024

// fallbackTimeout is how long a connection to a fallback may take: in a cluster it takes milliseconds.
const fallbackTimeout = 5 * time.Second

// settleTime is how long a new connection to a fallback waits for its end: it takes a server whose app refuses much less to
// reset it.
const settleTime = 50 * time.Millisecond

// errNoApp says that whom we have reached has no app either.
var errNoApp = errors.New("pod has no app any more")

// DialFallback returns a Dialer for the fallback at address, host:port. It fails also where it reaches a server like this one that has no app.
func DialFallback(address string) Dialer {
	d := &net.Dialer{
		Timeout: fallbackTimeout,
		Control: func(_, _ string, raw syscall.RawConn) error { return announce(raw, byFallback) },
	}
	return func(ctx context.Context) (Conn, error) {
		c, err := d.DialContext(ctx, "tcp", address)
		if err != nil {
			return nil, err
		}
		to := c.(*net.TCPConn)
		if announces(to, withoutApp) || endsSoon(to) {
			reset(to)
			return nil, errNoApp
		}
		return to, nil
	}
}

// endsSoon waits for a moment whether the other side, which does not know yet that it has no app, ends the connection.
func endsSoon(to *net.TCPConn) bool {
	_ = to.SetReadDeadline(time.Now().Add(settleTime))
	err := awaitByte(rawOf(to))
	_ = to.SetReadDeadline(time.Time{})
	return err != nil && !isTimeout(err)
}

// announce has a connection that is not made yet, or those that a listener will accept, announce m.
func announce(raw syscall.RawConn, m segment) (err error) {
	if failure := raw.Control(func(fd uintptr) { err = setSegment(fd, m) }); failure != nil {
		return failure
	}
	return err
}

// announceWithoutApp has whoever reaches the listener by a fallback know that there is no app. One without a descriptor
// says nothing.
func (s *Server) announceWithoutApp(ln net.Listener) {
	raw := rawOf(ln)
	if raw == nil {
		return
	}
	if err := announce(raw, withoutApp); err != nil {
		s.log.Warn("announce that the app has ended", zap.Error(err))
	}
}

// announces tells whether the other side of the connection announces m.
func announces(c Conn, m segment) (yes bool) {
	if raw := rawOf(beneath(c)); raw != nil {
		_ = raw.Control(func(fd uintptr) { yes = segmentOf(fd) == m })
	}
	return yes
}

// awaitFirstByte waits until the client has said something, or for long enough. It takes nothing.
func (c *conn) awaitFirstByte() error {
	raw := rawOf(c.client)
	if raw == nil || c.app != nil {
		return nil // it has said something: TLS has begun, or the app had it
	}
	c.setHeadDeadline(time.Now().Add(firstByteWait))
	defer c.setHeadDeadline(time.Time{})
	err := awaitByte(raw)
	if isTimeout(err) && !c.isClosing() {
		return nil
	}
	return err
}

// awaitByte waits until there is a byte to be read, and takes none. io.EOF: there will be none.
func awaitByte(raw syscall.RawConn) error {
	var ended error
	err := raw.Read(func(fd uintptr) bool {
		ended = peekByte(fd)
		return ended != syscall.EAGAIN
	})
	return firstOf(err, ended)
}

// errLoop says that a connection has come by a fallback and would leave by one.
var errLoop = errors.New("connection has come by a fallback already")

// errFallbacks says that there are as many connections to fallbacks as there may be.
var errFallbacks = errors.New("too many connections to fallbacks")

// fallsBack tells whether new connections go to the fallback once the app has ended.
func (s *Server) fallsBack(r *route) bool { return r.Fallback != nil && s.draining() }

// dialAtOnce connects to the app what has come by a fallback: if that does not accept, the other server is to know at once.
func (c *conn) dialAtOnce() (Conn, error) {
	app, err := c.server.tryApp(c.server.ctx, c.route)
	if err != nil {
		return nil, errLoop
	}
	return app, nil
}

// fallBack connects a client to the fallback.
func (c *conn) fallBack() (Conn, error) {
	s := c.server
	if err := c.awaitFirstByte(); err != nil {
		return nil, err
	}
	c.fellBack = true
	if s.stats.fallbacks.Add(1) > maxFallbacks {
		return nil, errFallbacks
	}
	s.stats.fellBack.Add(1)
	other, err := c.route.Fallback(s.ctx)
	if err == nil {
		return other, nil
	}
	return s.tryAgain(err, c.route.Fallback, nil)
}
