package proxy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"
)

// firstRetry and lastRetry bound the time between two attempts to reach an app that does not accept. The time doubles.
const (
	firstRetry = 5 * time.Millisecond
	lastRetry  = 250 * time.Millisecond
)

// errAppGone says that the app has ended and will not come back.
var errAppGone = errors.New("app has ended")

// DialTCP returns a Dialer for the app at address, host:port.
func DialTCP(address string) Dialer {
	// Not DialTCP: without a local address it binds to any, and then each connection has a port to itself, of which there are
	// 28,000.
	d := &net.Dialer{KeepAlive: -1} // an app on this host does not vanish unnoticed
	return func(ctx context.Context) (Conn, error) {
		c, err := d.DialContext(ctx, "tcp", address)
		if err != nil {
			return nil, err
		}
		return c.(*net.TCPConn), nil
	}
}

// dialApp connects to the app, waiting for one that does not accept for as long as the configuration says.
func (s *shared) dialApp(r *route) (Conn, error) {
	if s.appGone() {
		return nil, errAppGone
	}
	c, err := s.tryApp(s.ctx, r)
	if err == nil {
		return c, nil
	}
	again := func(ctx context.Context) (Conn, error) { return s.tryApp(ctx, r) }
	if c, err = s.tryAgain(err, again, s.gone); err != nil && err != errAppGone {
		err = fmt.Errorf("dial app: %w", err)
	}
	return c, err
}

// tryApp dials the app once.
func (s *shared) tryApp(ctx context.Context, r *route) (Conn, error) {
	c, err := r.Dial(ctx)
	if err != nil {
		s.stats.dialFailures.Add(1)
	}
	return c, err
}

// tryAgain dials, after an attempt that has failed with err, until one succeeds, the time is over or the app has gone.
func (s *shared) tryAgain(err error, dial Dialer, gone <-chan struct{}) (Conn, error) {
	ctx, cancel := context.WithTimeout(s.ctx, s.config.AppWait)
	defer cancel()
	for retry := firstRetry; ; retry = min(2*retry, lastRetry) {
		select {
		case <-ctx.Done():
			return nil, err
		case <-gone:
			return nil, errAppGone
		case <-time.After(retry):
		}
		var c Conn
		if c, err = dial(ctx); err == nil {
			return c, nil
		}
	}
}

// An appLink is the way from a connection to its app.
type appLink struct{ *conn }
