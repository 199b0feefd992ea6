package webhook

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// A pipeListener accepts in-memory connections, which work with fake time.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once

	dialled atomic.Int64
}

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return newBufferedConn(c), nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error { l.once.Do(func() { close(l.closed) }); return nil }

func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "unix"} }

func (l *pipeListener) dial(ctx context.Context) (net.Conn, error) {
	l.dialled.Add(1)
	client, server := net.Pipe()
	select {
	case l.conns <- server:
		return newBufferedConn(client), nil
	case <-l.closed:
		return nil, errors.New("connection refused")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// A bufferedConn has a buffered Write, as sockets have: both ends of TLS write their close alert at
// the same time.
type bufferedConn struct {
	net.Conn
	written chan []byte
	closed  chan struct{}
	once    sync.Once
}

func newBufferedConn(c net.Conn) *bufferedConn {
	b := &bufferedConn{Conn: c, written: make(chan []byte, 64), closed: make(chan struct{})}
	go b.flush()
	return b
}

// flush forwards the written bytes until the connection is closed.
func (b *bufferedConn) flush() {
	defer b.Conn.Close()
	for {
		select {
		case p := <-b.written:
			if _, err := b.Conn.Write(p); err != nil {
				return
			}
			continue
		default:
		}
		select {
		case p := <-b.written:
			if _, err := b.Conn.Write(p); err != nil {
				return
			}
		case <-b.closed:
			if len(b.written) == 0 {
				return
			}
		}
	}
}

func (b *bufferedConn) Write(p []byte) (int, error) {
	select {
	case <-b.closed:
		return 0, net.ErrClosed
	case b.written <- append([]byte{}, p...):
		return len(p), nil
	}
}

// A Write never blocks on the other end.
func (b *bufferedConn) SetWriteDeadline(time.Time) error { return nil }

func (b *bufferedConn) SetDeadline(t time.Time) error { return b.SetReadDeadline(t) }

func (b *bufferedConn) Close() error {
	b.once.Do(func() {
		close(b.closed)
		_ = b.SetReadDeadline(time.Time{})
		go func() { _, _ = io.Copy(io.Discard, b.Conn) }() // ends when either end is closed
	})
	return nil
}
