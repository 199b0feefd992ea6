package measure

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"lameduck/bench/openloop"
)

// A conn1 is an HTTP/1.1 connection. A goroutine waits for the first byte of each response, and so
// sees that an idle connection ends.
type conn1 struct {
	net.Conn
	addr    string
	reader  *bufio.Reader
	end     error
	arrived chan error // has the result of waiting for the first byte of the next response
}

func newConn1(c net.Conn, addr string) *conn1 {
	conn := &conn1{Conn: c, addr: addr, arrived: make(chan error, 1)}
	conn.reader = bufio.NewReader(conn)
	return conn
}

// Read reads from the connection and keeps the error for End.
func (c *conn1) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.end = err
	return n, err
}

// Buffer implements openloop.Stream.
func (c *conn1) Buffer() *bufio.Reader { return c.reader }

// End implements openloop.Stream.
func (c *conn1) End() error { return c.end }

// watch waits in the background until the next response begins or the connection ends.
func (c *conn1) watch() {
	go func() {
		_, err := c.reader.Peek(1)
		c.arrived <- err
	}()
}

// usable reports whether an idle connection has neither ended nor received anything.
func (c *conn1) usable() bool {
	select {
	case err := <-c.arrived:
		c.arrived <- err // close waits for it
		return false
	default:
		return true
	}
}

// exchange sends a request and reads the response to its end, so that the returned response has no
// body. The connection must be watched. again reports whether the connection can be reused.
func (c *conn1) exchange(r *http.Request) (resp *http.Response, again bool, err error) {
	var message bytes.Buffer
	if err := r.Write(&message); err != nil {
		return nil, false, openloop.Fail(openloop.Local, fmt.Errorf("encode request: %w", err))
	}
	_, sendErr := c.Write(message.Bytes())
	if err := <-c.arrived; err != nil { // also after a failed write: the response may be there already
		if sendErr != nil {
			err = fmt.Errorf("%w (send request: %w)", err, sendErr)
		}
		return nil, false, openloop.EndFailure(fmt.Errorf("wait for response: %w", err))
	}
	resp, err = openloop.ReadHead(c, r.Method)
	if err != nil {
		return nil, false, err
	}
	defer resp.Body.Close()
	err = openloop.ReadBody(c, resp.Body, io.Discard)
	return resp, err == nil && sendErr == nil && !resp.Close && c.reader.Buffered() == 0, err
}

// A pool1 keeps up to size HTTP/1.1 connections and uses them in turn, so that they reach several
// pods even if each connection is pinned to one.
type pool1 struct {
	dialer dialer
	size   int

	mu     sync.Mutex
	open   int      // kept connections, idle or in use
	idle   []*conn1 // the one used last is at the end
	closed bool
}

// take returns the idle connection that has not been used for longest, or a new one if there are
// fewer than size.
func (p *pool1) take(ctx context.Context) (*conn1, string, error) {
	if c := p.takeIdle(); c != nil {
		return c, c.addr, nil
	}
	addr := p.dialer.book.pick()
	c, err := p.dialer.dial(ctx, addr, HTTP1)
	if err != nil {
		p.forget()
		return nil, addr, err
	}
	conn := newConn1(c, addr)
	conn.watch()
	return conn, addr, nil
}

// takeIdle returns an idle connection. If it returns nil, it has counted the connection that the
// caller must open.
func (p *pool1) takeIdle() *conn1 {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := 0; i < len(p.idle); {
		if c := p.idle[i]; !c.usable() {
			c.Close()
			p.idle = append(p.idle[:i], p.idle[i+1:]...)
			p.open--
			continue
		}
		i++
	}
	if p.open < p.size || len(p.idle) == 0 {
		p.open++
		return nil
	}
	c := p.idle[0]
	p.idle = p.idle[1:]
	return c
}

func (p *pool1) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open--
}

// put returns a connection after an exchange.
func (p *pool1) put(c *conn1, again bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !again || p.closed || p.open > p.size || c.SetDeadline(time.Time{}) != nil {
		c.Close()
		p.open--
		return
	}
	c.watch()
	p.idle = append(p.idle, c)
}

func (p *pool1) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, c := range p.idle {
		c.Close()
		<-c.arrived //nolint:errcheck // it is closed
	}
	p.idle = nil
}

// do makes one exchange on a connection of the pool. The returned response has no body.
func (p *pool1) do(ctx context.Context, r *http.Request) (*http.Response, string, error) {
	c, addr, err := p.take(ctx)
	if err != nil {
		return nil, addr, err
	}
	if deadline, ok := ctx.Deadline(); ok {
		_ = c.SetDeadline(deadline) // on a broken connection, the exchange fails
	}
	// A deadline in the past ends pending reads and writes.
	release := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
	resp, again, err := c.exchange(r)
	p.put(c, release() && again)
	return resp, addr, err
}
