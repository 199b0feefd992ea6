package proxy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"
)

// firstRetry and lastRetry bound the time between two attempts to reach an app that does not
// accept. The time doubles.
const (
	firstRetry = 5 * time.Millisecond
	lastRetry  = 250 * time.Millisecond
)

// errAppGone reports that the app has exited for good.
var errAppGone = errors.New("app has exited")

// connectTimeout bounds one attempt to connect. A backlog that is full drops our SYN, and the
// kernel repeats it after 1, 3 and 7 seconds; a new attempt sooner reaches an app that accepts
// again.
const connectTimeout = time.Second

// DialTCP returns a Dialer for the app at address, host:port.
func DialTCP(address string) Dialer {
	if dial := dialSocket(address); dial != nil {
		return dial
	}
	// Not net.DialTCP: without a local address it binds first, and then each connection needs a
	// port of its own, of which there are 28,000.
	d := &net.Dialer{
		KeepAlive: -1, // an app on this host does not vanish unnoticed
		Timeout:   connectTimeout,
	}
	return func(ctx context.Context) (Conn, error) {
		c, err := d.DialContext(ctx, "tcp", address)
		if err != nil {
			return nil, err
		}
		return c.(*net.TCPConn), nil
	}
}

// dialApp connects to the app. It waits at most Config.AppWait for one that does not accept.
func (s *shared) dialApp(ctx context.Context, r *route) (Conn, error) {
	if s.appGone() {
		return nil, errAppGone
	}
	try := func(ctx context.Context) (Conn, error) { return s.tryApp(ctx, r) }
	c, err := s.keepDialing(ctx, try, s.gone)
	if err != nil && err != errAppGone {
		err = fmt.Errorf("dial app: %w", err)
	}
	return c, err
}

// tryApp dials the app once.
func (s *shared) tryApp(ctx context.Context, r *route) (Conn, error) {
	c, err := r.Dial(ctx)
	if err != nil {
		s.stats.dialFailures.Add(1)
		r.tls.Forget() // it may come back as another app
	}
	return c, err
}

// keepDialing dials until an attempt succeeds, AppWait is over, ctx is done or the app has exited.
// Without AppWait there is one attempt.
func (s *shared) keepDialing(ctx context.Context, dial Dialer, gone <-chan struct{}) (Conn, error) {
	if s.config.AppWait == 0 {
		return dial(ctx)
	}
	ctx, stop := waitFor(ctx, s.config.AppWait)
	defer stop()
	for retry := firstRetry; ; retry = min(2*retry, lastRetry) {
		c, err := dial(ctx)
		if err == nil {
			return c, nil
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-gone:
			return nil, errAppGone
		case <-time.After(retry):
		}
	}
}

// waitFor returns a context that is done a time after it is first waited for. The caller stops it.
func waitFor(parent context.Context, d time.Duration) (_ context.Context, stop func()) {
	cancel := func() {}
	wait := &lazyContext{parent: parent, make: func(parent context.Context) (made context.Context) {
		made, cancel = context.WithTimeout(parent, d)
		return made
	}}
	return wait, func() {
		if wait.close() {
			cancel()
		}
	}
}

// An appLink connects a conn to its app, or to the fallback.
type appLink struct{ *conn }
