package proxy

import (
	"context"
	"errors"
	"net"
	"syscall"
	"time"

	"lameduck/proxy/mss"
	"lameduck/proxy/pump"
	"lameduck/proxy/tlsterm"
)

// If the app exits during a drain, nothing serves new connections. With a fallback, usually the
// app's own Service, they are sent to another pod: the cluster stops routing to a terminating pod
// long before a slow load balancer does.
//
// For a moment the Service may still route back to us, or to another pod without an app. The
// dialing side must then dial again, and the accepting side must not dial at all, or the connection
// would be passed around in circles. Each side shows the other its state with a mark in the TCP
// maximum segment size (package mss). The dialing side reads the peer's mark before it sends a
// byte. The accepting side cannot, once its listener announces mss.NoApp. So it waits for the first
// byte: a peer that came through a fallback closes the connection without sending one.

// firstByteWait is how long a client may stay silent before the server is assumed to speak first. A
// peer that came through a fallback has closed the connection long before that.
const firstByteWait = time.Second

// maxFallbacks bounds the number of connections to fallbacks, in case a proxy between the pods
// removes the marks.
const maxFallbacks = 1024

// fallbackTimeout is how long a connection to a fallback may take: in a cluster it takes
// milliseconds.
const fallbackTimeout = 5 * time.Second

// settleTime is how long a new connection to a fallback is watched for an immediate end. A server
// whose app refuses connections resets it much sooner.
const settleTime = 50 * time.Millisecond

// errNoApp reports that the pod that was reached has no app either.
var errNoApp = errors.New("the app of that pod has exited")

// DialFallback returns a Dialer for the fallback at address, host:port. The Dialer also fails if it
// reaches a Lameduck whose app has exited.
func DialFallback(address string) Dialer { return dialFallback(address, settleTime) }

func dialFallback(address string, settle time.Duration) Dialer {
	d := &net.Dialer{
		Timeout: fallbackTimeout,
		Control: func(_, _ string, raw syscall.RawConn) error { return mss.Set(raw, mss.Fallback) },
	}
	return func(ctx context.Context) (Conn, error) {
		c, err := d.DialContext(ctx, "tcp", address)
		if isReset(err) { // it has accepted the connection and reset it, before this goroutine ran again
			return nil, errNoApp
		}
		if err != nil {
			return nil, err
		}
		to := c.(*net.TCPConn)
		if hasMark(to, mss.NoApp) || endsWithin(to, settle) {
			reset(to)
			return nil, errNoApp
		}
		return to, nil
	}
}

// endsWithin reports whether the peer closes the connection within d, which it does if it has yet
// to notice that its app has exited.
func endsWithin(to *net.TCPConn, d time.Duration) bool {
	_ = to.SetReadDeadline(time.Now().Add(d))
	err := awaitByte(pump.RawOf(to))
	_ = to.SetReadDeadline(time.Time{})
	return err != nil && !isTimeout(err)
}

// hasMark reports whether the peer of the connection announced m.
func hasMark(c Conn, m mss.Mark) bool {
	raw := pump.RawOf(tlsterm.Beneath(c))
	return raw != nil && mss.Has(raw, m)
}

// awaitFirstByte waits for the client's first byte, for a limited time, and does not consume it.
func (c appLink) awaitFirstByte() error {
	raw := pump.RawOf(c.client)
	if raw == nil || c.app != nil {
		return nil // it has: TLS has begun, or the app had the bytes
	}
	c.setHeadDeadline(time.Now().Add(firstByteWait))
	defer c.setHeadDeadline(time.Time{})
	err := awaitByte(raw)
	if isTimeout(err) && !c.isClosing() {
		return nil
	}
	return err
}

// awaitByte waits for a byte and does not consume it. It returns io.EOF if the client has closed.
func awaitByte(raw syscall.RawConn) error {
	var ended error
	err := raw.Read(func(fd uintptr) bool {
		ended = peekByte(fd)
		return ended != syscall.EAGAIN
	})
	if err != nil {
		return err
	}
	return ended
}

// errLoop reports that a connection arrived through a fallback and would leave through one.
var errLoop = errors.New("connection already arrived through a fallback")

// errFallbacks reports that the limit of connections to fallbacks is reached.
var errFallbacks = errors.New("too many connections to fallbacks")

// dialAtOnce connects a client that came through a fallback to the app, with a single attempt: if
// the app does not accept, the other server must learn that at once.
func (c appLink) dialAtOnce(ctx context.Context) (Conn, error) {
	app, err := c.server.tryApp(ctx, c.route)
	if err != nil {
		return nil, errLoop
	}
	return app, nil
}

// fallBack connects a client to the fallback.
func (c appLink) fallBack(ctx context.Context) (Conn, error) {
	s := c.server
	if err := c.awaitFirstByte(); err != nil {
		return nil, err
	}
	c.fellBack = true
	if s.stats.fallbacks.Add(1) > maxFallbacks {
		return nil, errFallbacks
	}
	s.stats.fellBack.Add(1)
	return s.keepDialing(ctx, c.route.Fallback, nil)
}

// dial connects to the app or, once the app has exited, to the fallback. It gives up when the
// client leaves. Each connection to a fallback takes longer than usual (settleTime), that of a health
// check too, which must not put off the end of the hold.
func (c appLink) dial() (Conn, error) {
	ctx, d := watchDeparture(c.conn)
	app, err := c.dialWith(ctx)
	d.stop(err == nil && c.fellBack)
	if err != nil && context.Cause(ctx) == errClientLeft {
		return nil, errClientLeft
	}
	return app, err
}

func (c appLink) dialWith(ctx context.Context) (Conn, error) {
	if c.route.Fallback != nil && hasMark(c.client, mss.Fallback) {
		return c.dialAtOnce(ctx)
	}
	app, err := c.server.dialApp(ctx, c.route)
	if err == errAppGone && c.server.fallsBack(c.route) {
		return c.fallBack(ctx)
	}
	return app, err
}
