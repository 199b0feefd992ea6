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
	"lameduck/bench/openloop"
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
	if openloop.CauseOf(err) == Reset && (unsettled || c.unsettled()) {
		return openloop.Fail(Changeover, err)
	}
	return err
}

// useNew makes the exchange on a new connection.
func (c *client) useNew(ctx context.Context, deadline time.Time, r Request, seq int) error {
	dialing, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	conn, err := c.pool.Dial(dialing)
	if err != nil {
		return openloop.DialFailure(err)
	}
	return c.use(ctx, conn, deadline, r, seq)
}

// use makes the exchange on a connection, and then returns it to the pool if it can be reused.
func (c *client) use(ctx context.Context, conn *keepalive.Conn, deadline time.Time, r Request, seq int) error {
	conn.SetDeadline(deadline)
	// A deadline in the past ends pending reads and writes.
	release := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	again, err := c.exchangeOn(conn, r, seq)
	err = coarse(err)
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
		return false, openloop.EndFailure(fmt.Errorf("send request: %w", err))
	}
	resp, err := openloop.ReadHead(conn, r.method())
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		io.Copy(io.Discard, resp.Body)
		return false, openloop.StatusFailure(resp.StatusCode)
	}
	s.answer.Reset()
	return !resp.Close, checkBody(conn, resp.Body, &s.answer, s.message[len(s.message)-body:])
}

// checkBody reads the response body to its end. If the request had a body, the response must repeat
// it.
func checkBody(conn *keepalive.Conn, answer io.Reader, into *bytes.Buffer, sent []byte) error {
	if err := openloop.ReadBody(conn, answer, into); err != nil {
		return err
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
		return openloop.Fail(Truncated, err)
	}
	return openloop.Fail(Garbled, err)
}
