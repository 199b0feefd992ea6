package proxy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
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
	d := &net.Dialer{KeepAlive: -1} // an app on this host does not vanish unnoticed
	if ip, err := netip.ParseAddrPort(address); err == nil {
		return func(ctx context.Context) (Conn, error) {
			c, err := d.DialTCP(ctx, "tcp", netip.AddrPort{}, ip)
			if err != nil {
				return nil, err // not c: a nil pointer in it is not nil
			}
			return c, nil
		}
	}
	return func(ctx context.Context) (Conn, error) {
		c, err := d.DialContext(ctx, "tcp", address)
		if err != nil {
			return nil, err
		}
		return c.(*net.TCPConn), nil
	}
}

// dialApp connects to the app, waiting for one that does not accept for as long as the configuration says.
func (s *Server) dialApp(r *route) (Conn, error) {
	c, err := r.Dial(s.ctx)
	if err == nil {
		return c, nil
	}
	ctx, cancel := context.WithTimeout(s.ctx, s.config.AppWait)
	defer cancel()
	for retry := firstRetry; ; retry = min(2*retry, lastRetry) {
		s.stats.dialFailures.Add(1)
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("dial app: %w", err)
		case <-s.gone:
			return nil, errAppGone
		case <-time.After(retry):
		}
		if c, err = r.Dial(ctx); err == nil {
			return c, nil
		}
	}
}
