package pump

import (
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"lameduck/proxy/h1"
)

// pair returns the two sides of a TCP connection.
func pair(t *testing.T) (near, far *net.TCPConn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	c, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	a, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	return a.(*net.TCPConn), c.(*net.TCPConn)
}

// A slow destination makes progress: the bytes that it takes of a blocked write are counted at
// once.
func TestMovedCountsWhatABlockedWriteHasWritten(t *testing.T) {
	const size = 64 << 20 // more than the kernel buffers
	for name, send := range map[string]func(f *Flow, from *net.TCPConn) error{
		"through a buffer": func(f *Flow, _ *net.TCPConn) error { return f.Write(make([]byte, size)) },
		"from kernel to kernel": func(f *Flow, from *net.TCPConn) error {
			go func() { _, _ = from.Write(make([]byte, size)) }()
			body := h1.FixedBody(size)
			if err := f.CopyBody(&body); err != nil {
				return err
			}
			return f.Flush()
		},
	} {
		t.Run(name, func(t *testing.T) {
			src, from := pair(t)
			dst, to := pair(t)
			pipes := NewPipes(4)
			defer pipes.Close()
			var f Flow
			var all atomic.Uint64
			f.Init(NewEnd(src), NewEnd(dst), pipes, &all)
			sent := make(chan error, 1)
			go func() { sent <- send(&f, from) }()
			for begun := time.Now(); f.Moved() == 0; time.Sleep(time.Millisecond) {
				if time.Since(begun) > 10*time.Second {
					t.Fatal("no bytes counted although the kernel has taken some")
				}
			}
			select {
			case err := <-sent:
				t.Fatalf("the write returned %v although nothing reads", err)
			default:
			}
			_ = to.SetReadDeadline(time.Now().Add(time.Minute))
			if n, err := io.CopyN(io.Discard, to, size); err != nil {
				t.Fatalf("%d bytes arrived, error %v", n, err)
			}
			if err := <-sent; err != nil {
				t.Fatal(err)
			}
			if f.Moved() != size || all.Load() != size {
				t.Errorf("moved %d and %d in all, want %d", f.Moved(), all.Load(), size)
			}
		})
	}
}
