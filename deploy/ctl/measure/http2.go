package measure

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/net/http2"

	"lameduck/bench/openloop"
)

// A conn2 is an HTTP/2 connection.
type conn2 struct {
	*http2.ClientConn
	addr string
	once bool // it is closed after its first request
}

// dial2 returns a new connection. ClientConn.RoundTrip, unlike that of Transport, never repeats a
// request. The one of net/http, its designated successor, needs a dialer and chooses the protocol
// itself.
func (d dialer) dial2(ctx context.Context) (*conn2, string, error) {
	addr := d.book.pick()
	c, err := d.dial(ctx, addr, HTTP2)
	if err != nil {
		return nil, addr, err
	}
	t := &http2.Transport{AllowHTTP: true, DisableCompression: true} //nolint:staticcheck // see above
	cc, err := t.NewClientConn(c)                                    //nolint:staticcheck // see above
	if err != nil {
		c.Close()
		return nil, addr, openloop.EndFailure(fmt.Errorf("begin HTTP/2: %w", err))
	}
	return &conn2{ClientConn: cc, addr: addr}, addr, nil
}

// A pool2 keeps size HTTP/2 connections and uses them in turn. It leaves a connection after the
// server's GOAWAY.
type pool2 struct {
	dialer dialer

	mu    sync.Mutex
	slots []*conn2
	next  int
}

func newPool2(d dialer, size int) *pool2 { return &pool2{dialer: d, slots: make([]*conn2, size)} }

// take returns a connection that can take a request, which is reserved for the caller.
func (p *pool2) take(ctx context.Context) (*conn2, string, error) {
	p.mu.Lock()
	slot := p.next % len(p.slots)
	p.next++
	c := p.slots[slot]
	p.mu.Unlock()
	if c != nil && c.ReserveNewRequest() {
		return c, c.addr, nil
	}
	// Requests that are due meanwhile open connections of their own, so that none waits for another.
	fresh, addr, err := p.dialer.dial2(ctx)
	if err != nil {
		return nil, addr, err
	}
	fresh.ReserveNewRequest()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.slots[slot] == c {
		p.slots[slot] = fresh
		if c != nil && c.State().StreamsActive == 0 {
			_ = c.Close() // one with streams closes itself after the last of them
		}
	} else {
		fresh.once = true
	}
	return fresh, addr, nil
}

func (p *pool2) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.slots {
		if c != nil {
			_ = c.Close()
		}
	}
}

// do makes one exchange on a connection of the pool. The returned response has no body.
func (p *pool2) do(ctx context.Context, r *http.Request) (*http.Response, string, error) {
	c, addr, err := p.take(ctx)
	if err != nil {
		return nil, addr, err
	}
	resp, err := c.exchange(ctx, r)
	if c.once {
		_ = c.Close()
	}
	return resp, addr, err
}

// exchange sends a request and reads the response to its end.
func (c *conn2) exchange(ctx context.Context, r *http.Request) (*http.Response, error) {
	resp, err := c.RoundTrip(r.WithContext(ctx))
	if err != nil {
		return nil, failure2(ctx, fmt.Errorf("wait for response: %w", err))
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		if ctx.Err() != nil {
			return resp, openloop.Fail(openloop.Timeout, fmt.Errorf("read body: %w", err))
		}
		return resp, openloop.Fail(openloop.Truncated, fmt.Errorf("read body: %w", err))
	}
	return resp, nil
}

// failure2 returns the failure of a request that got no response.
func failure2(ctx context.Context, err error) error {
	var stream http2.StreamError
	var violation http2.ConnectionError
	var goAway http2.GoAwayError //nolint:staticcheck // ClientConn returns it
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return openloop.Fail(openloop.Timeout, err)
	case errors.As(err, &goAway), strings.Contains(err.Error(), "GOAWAY"):
		return openloop.Fail(openloop.GoAway, err)
	case errors.As(err, &stream):
		return openloop.Fail(openloop.Reset, err)
	case errors.As(err, &violation):
		return openloop.Fail(openloop.Garbled, err)
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return openloop.Fail(openloop.Reset, err)
	}
	return openloop.Fail(openloop.Closed, err) // io.EOF, or the connection had become unusable
}
