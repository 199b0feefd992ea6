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

// A client makes single exchanges with one server. It never retries.
type client struct {
	host      string
	timeout   time.Duration
	unsettled func() bool // reports whether no connection may be reused now
	pool      *keepalive.Pool
	scratch   sync.Pool // *scratch
}

// scratch is the memory of one exchange. The next one reuses it.
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

// exchange sends request number seq and reads the response. Its error is nil or a *failure. It is
// aborted when ctx is done.
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

// account turns a reset of a new connection into a Changeover if the load balancer caused it. It is
// called when the connection has just broken. unsettled is the state when the connection was
// opened.
func (c *client) account(unsettled bool, err error) error {
	if causeOf(err) == Reset && (unsettled || c.unsettled()) {
		return &failure{Changeover, err}
	}
	return err
}

// useNew makes the exchange on a new connection.
func (c *client) useNew(ctx context.Context, deadline time.Time, r Request, seq int) error {
	dialing, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	conn, err := c.pool.Dial(dialing)
	if err != nil {
		return dialFailure(err)
	}
	return c.use(ctx, conn, deadline, r, seq)
}

// use makes the exchange on a connection, and then returns it to the pool if it can be reused.
func (c *client) use(ctx context.Context, conn *keepalive.Conn, deadline time.Time, r Request, seq int) error {
	conn.SetDeadline(deadline)
	// A deadline in the past ends pending reads and writes.
	release := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	again, err := c.exchangeOn(conn, r, seq)
	if !release() || err != nil || !again || r.NewConn || c.unsettled() {
		conn.Close()
		return err
	}
	c.pool.Put(conn)
	return nil
}

// exchangeOn makes one exchange on a connection and reports whether the connection can be reused.
func (c *client) exchangeOn(conn *keepalive.Conn, r Request, seq int) (again bool, err error) {
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

// readHead reads the response head. It peeks first, to distinguish an end before the first byte
// from a later one.
func readHead(conn *keepalive.Conn, r Request) (*http.Response, error) {
	if _, err := conn.Reader.Peek(1); err != nil {
		return nil, cut(Reset, fmt.Errorf("wait for response: %w", err))
	}
	for {
		resp, err := http.ReadResponse(conn.Reader, &http.Request{Method: r.method()})
		if err != nil {
			return nil, broken(conn, fmt.Errorf("read head: %w", err))
		}
		if resp.StatusCode >= http.StatusOK {
			return resp, nil
		}
		// This is an interim response. The final one is still to come.
	}
}

// checkBody reads the response body to its end. If the request had a body, the response must repeat
// it.
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
	err := fmt.Errorf("response of %d bytes does not repeat the %d bytes sent", len(got), len(sent))
	if bytes.HasPrefix(sent, got) {
		// The length of a body that ends with its connection is not known.
		return &failure{Truncated, err}
	}
	return &failure{Garbled, err}
}

// broken returns the failure for a response that ended too early or is not HTTP.
func broken(conn *keepalive.Conn, err error) error {
	switch end := conn.End(); {
	case end == nil:
		return &failure{Garbled, err}
	case isTimeout(end):
		return &failure{Timeout, err}
	}
	return &failure{Truncated, err}
}
