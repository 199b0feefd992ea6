package proxy

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/nettest"
)

// memBuffer is the size of a memConn's buffer in bytes. It is small, so that tests see back
// pressure.
const memBuffer = 4 << 10

// A stream is one direction of a pair of memConns.
type stream struct {
	mu            sync.Mutex
	changed       sync.Cond
	buf           []byte
	ended         bool // the writer has closed its side
	broken        error
	readDeadline  deadline
	writeDeadline deadline
}

func newStream() *stream {
	s := &stream{}
	s.changed.L = &s.mu
	return s
}

// A deadline wakes the waiters of a stream when it has passed.
type deadline struct {
	timer  *time.Timer
	at     time.Time
	passed bool
}

func (s *stream) setDeadline(d *deadline, t time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d.timer != nil {
		d.timer.Stop()
	}
	d.at, d.passed, d.timer = t, false, nil
	if t.IsZero() {
		return
	}
	if d.passed = !t.After(time.Now()); d.passed {
		s.changed.Broadcast()
		return
	}
	d.timer = time.AfterFunc(time.Until(t), func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		d.passed = d.at.Equal(t)
		s.changed.Broadcast()
	})
}

func (s *stream) read(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.readDeadline.passed:
			return 0, os.ErrDeadlineExceeded
		case s.broken != nil:
			return 0, s.broken
		case len(s.buf) > 0:
			n := copy(b, s.buf)
			s.buf = s.buf[n:]
			s.changed.Broadcast()
			return n, nil
		case s.ended:
			return 0, io.EOF
		case len(b) == 0:
			return 0, nil
		}
		s.changed.Wait()
	}
}

func (s *stream) write(b []byte) (n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(b) > 0 {
		switch {
		case s.writeDeadline.passed:
			return n, os.ErrDeadlineExceeded
		case s.broken != nil:
			return n, s.broken
		case s.ended:
			return n, syscall.EPIPE
		case len(s.buf) < memBuffer:
			k := min(len(b), memBuffer-len(s.buf))
			s.buf = append(s.buf, b[:k]...)
			b, n = b[k:], n+k
			s.changed.Broadcast()
			continue
		}
		s.changed.Wait()
	}
	return n, nil
}

func (s *stream) end(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	if s.broken == nil {
		s.broken = err
	}
	s.changed.Broadcast()
}

// abandon resets the stream. Its reader does not see a clean end first.
func (s *stream) abandon() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended, s.buf = true, nil
	s.broken = errors.Join(net.ErrClosed, syscall.EPIPE)
	s.changed.Broadcast()
}

// A memConn is one side of a TCP connection in memory, for tests in bubbles of fake time.
type memConn struct {
	in, out *stream
	addr    net.Addr
	reset   atomic.Bool // Close is an RST
	once    sync.Once
}

// memPipe returns the two sides of a connection. remote is the address of the first side's peer.
func memPipe(remote net.Addr) (*memConn, *memConn) {
	a, b := newStream(), newStream()
	return &memConn{in: a, out: b, addr: remote}, &memConn{in: b, out: a, addr: memAddr}
}

var memAddr = &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 1}

func (c *memConn) Read(b []byte) (int, error)  { return c.in.read(b) }
func (c *memConn) Write(b []byte) (int, error) { return c.out.write(b) }
func (c *memConn) CloseWrite() error           { c.out.end(nil); return nil }
func (c *memConn) SetLinger(sec int) error     { c.reset.Store(sec == 0); return nil }
func (c *memConn) LocalAddr() net.Addr         { return memAddr }
func (c *memConn) RemoteAddr() net.Addr        { return c.addr }

// Close sends an RST after SetLinger(0), and otherwise when the peer sends more.
func (c *memConn) Close() error {
	err := net.ErrClosed
	c.once.Do(func() {
		err = nil
		var broken error
		if c.reset.Load() {
			broken = syscall.ECONNRESET
		}
		c.out.end(broken)
		c.in.abandon()
		_ = c.SetDeadline(time.Time{})
	})
	return err
}

func (c *memConn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

func (c *memConn) SetReadDeadline(t time.Time) error {
	c.in.setDeadline(&c.in.readDeadline, t)
	return nil
}

func (c *memConn) SetWriteDeadline(t time.Time) error {
	c.out.setDeadline(&c.out.writeDeadline, t)
	return nil
}

// A memListener accepts the connections that dial makes.
type memListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newMemListener() *memListener {
	return &memListener{conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (l *memListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *memListener) Close() error   { l.once.Do(func() { close(l.closed) }); return nil }
func (l *memListener) Addr() net.Addr { return memAddr }

// dial connects from remote. ok is false when the listener is closed.
func (l *memListener) dial(remote net.Addr) (client *memConn, ok bool) {
	server, client := memPipe(remote)
	select {
	case l.conns <- server:
		return client, true
	case <-l.closed:
		return nil, false
	}
}

func TestMemConnIsAConn(t *testing.T) {
	nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
		a, b := memPipe(memAddr)
		return a, b, func() { _ = a.Close(); _ = b.Close() }, nil
	})
}
