package load

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"lameduck/bench/internal/keepalive"
)

// client makes single exchanges with one server. Nothing in it tries anything twice.
type client struct {
	host      string
	timeout   time.Duration
	unsettled func() bool // no connection may be used again now
	pool      *keepalive.Pool
	scratch   sync.Pool // of *scratch
}

// scratch is the memory of one exchange, for use by the next one.
type scratch struct {
	message []byte
	answer  bytes.Buffer
}

func newClient(addr string, c Config) *client {
	return &client{
		host:      addr,
		timeout:   c.Timeout,
		unsettled: c.Unsettled,
		pool:      keepalive.NewPool(addr, c.idle(), netip.Addr{}),
		scratch:   sync.Pool{New: func() any { return new(scratch) }},
	}
}

// exchange sends request number seq and reads its answer. Its error is nil or a *failure. A context that is done breaks it off.
func (c *client) exchange(ctx context.Context, r Request, seq int) error {
	deadline := time.Now().Add(c.timeout)
	unsettled := c.unsettled()
	if !r.NewConn && !unsettled {
		if conn := c.pool.Idle(); conn != nil {
			return c.use(ctx, conn, deadline, r, seq)
		}
	}
	return c.account(unsettled, c.useNew(ctx, deadline, r, seq))
}

// account tells a reset of a new connection that is the load balancer's own from others. It is asked when the connection
// has just broken; unsettled is what was true when it was opened.
func (c *client) account(unsettled bool, err error) error {
	if causeOf(err) == Reset && (unsettled || c.unsettled()) {
		return &failure{Changeover, err}
	}
	return err
}

// useNew does the exchange on a connection that nothing was sent on before.
func (c *client) useNew(ctx context.Context, deadline time.Time, r Request, seq int) error {
	dialing, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	conn, err := c.pool.Dial(dialing)
	if err != nil {
		return dialFailure(err)
	}
	return c.use(ctx, conn, deadline, r, seq)
}

// use does the exchange on a connection, and keeps that for another one where it may.
func (c *client) use(ctx context.Context, conn *keepalive.Conn, deadline time.Time, r Request, seq int) error {
	conn.SetDeadline(deadline)
	release := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) }) // long past: what waits ends
	again, err := c.converse(conn, r, seq)
	if !release() || err != nil || !again || r.NewConn || c.unsettled() {
		conn.Close()
		return err
	}
	c.pool.Put(conn)
	return nil
}

// converse does one exchange on a connection and reports whether another may follow on it.
func (c *client) converse(conn *keepalive.Conn, r Request, seq int) (again bool, err error) {
	s := c.scratch.Get().(*scratch)
	defer c.scratch.Put(s)
	var body int
	s.message, body = r.appendMessage(s.message[:0], c.host, seq)
	if _, err := conn.Write(s.message); err != nil {
		return false, cut(Reset, fmt.Errorf("send request: %w", err))
	}
	resp, err := readHead(conn, r)
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		io.Copy(io.Discard, resp.Body)
		return false, statusFailure(resp.StatusCode)
	}
	s.answer.Reset()
	return !resp.Close, checkBody(conn, resp.Body, &s.answer, s.message[len(s.message)-body:])
}

// readHead reads the answer's head. It peeks first, to know an end before the first byte from a later one.
func readHead(conn *keepalive.Conn, r Request) (*http.Response, error) {
	if _, err := conn.Reader.Peek(1); err != nil {
		return nil, cut(Reset, fmt.Errorf("await answer: %w", err))
	}
	for {
		resp, err := http.ReadResponse(conn.Reader, &http.Request{Method: r.method()})
		if err != nil {
			return nil, broken(conn, fmt.Errorf("read head: %w", err))
		}
		if resp.StatusCode >= http.StatusOK {
			return resp, nil
		}
		// An interim answer: the final one is still to come.
	}
}

// checkBody reads the answer's body to its end; where a body was sent, it must come back unchanged.
func checkBody(conn *keepalive.Conn, answer io.Reader, into *bytes.Buffer, sent []byte) error {
	if _, err := into.ReadFrom(answer); err != nil {
		return broken(conn, fmt.Errorf("read body: %w", err))
	}
	return checkEcho(into.Bytes(), sent)
}

func checkEcho(got, sent []byte) error {
	if len(sent) == 0 || bytes.Equal(got, sent) {
		return nil
	}
	err := fmt.Errorf("answer of %d bytes does not repeat the %d bytes sent", len(got), len(sent))
	if bytes.HasPrefix(sent, got) {
		// A body that ends with its connection does not say how long it was to be.
		return &failure{Truncated, err}
	}
	return &failure{Garbled, err}
}

// broken tells an answer that ended too early from one that is not HTTP.
func broken(conn *keepalive.Conn, err error) error {
	switch end := conn.End(); {
	case end == nil:
		return &failure{Garbled, err}
	case isTimeout(end):
		return &failure{Timeout, err}
	}
	return &failure{Truncated, err}
}
