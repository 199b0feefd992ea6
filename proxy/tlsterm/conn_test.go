package tlsterm

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"lameduck/proxy/pump"
)

// rawPair returns the two ends of a TCP connection, which last until the end of the test.
func rawPair(t *testing.T) (client, server *net.TCPConn) {
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
	s, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	for _, side := range []net.Conn{c, s} {
		t.Cleanup(func() { _ = side.Close() })
		_ = side.SetDeadline(time.Now().Add(20 * time.Second))
	}
	return c.(*net.TCPConn), s.(*net.TCPConn)
}

// pair returns the two ends of a TLS connection.
func pair(t *testing.T) (client, server *Conn) {
	t.Helper()
	certificate := httptest.NewTLSServer(nil)
	certificate.Close()
	c, s := rawPair(t)
	client = Client(c, &tls.Config{InsecureSkipVerify: true})
	server = Server(s, &tls.Config{Certificates: certificate.TLS.Certificates})
	shaken := make(chan error, 1)
	go func() { shaken <- client.Handshake() }()
	if err := errors.Join(server.Handshake(), <-shaken); err != nil {
		t.Fatal(err)
	}
	return client, server
}

// wantsEnd expects n bytes, and then the end, truncated or not.
func wantsEnd(t *testing.T, c *Conn, n int, truncated bool) {
	t.Helper()
	if b, err := io.ReadAll(c); len(b) != n || err != nil {
		t.Fatalf("%d bytes, error %v; want %d", len(b), err, n)
	}
	if c.Truncated() != truncated {
		t.Errorf("truncated: %v, want %v", c.Truncated(), truncated)
	}
}

func TestConn_AHalfClosedConnectionStillReceives(t *testing.T) {
	client, server := pair(t)
	_ = server.CloseWrite()
	wantsEnd(t, client, 0, false)
	if _, err := io.WriteString(client, "late"); err != nil {
		t.Fatal(err)
	}
	_ = client.CloseWrite()
	wantsEnd(t, server, len("late"), false)
}

func TestConn_CloseWriteFollowsAWriteWithoutWaitingForIt(t *testing.T) {
	client, server := pair(t)
	const size = 16 << 20 // more than the kernel buffers
	written := make(chan error, 1)
	go func() {
		_, err := io.WriteString(server, strings.Repeat("x", size))
		written <- err
	}()
	first := make([]byte, 1)
	if _, err := io.ReadFull(client, first); err != nil {
		t.Fatal(err)
	}
	_ = server.CloseWrite() // while the write is blocked: the client reads nothing
	wantsEnd(t, client, size-len(first), false)
	if err := <-written; err != nil {
		t.Error(err)
	}
}

// fill fills the buffers of the kernel, so that any further write waits until the peer reads. The first
// write that waits does not suffice: the peer's kernel may then take some more.
func fill(t *testing.T, c *Conn) {
	t.Helper()
	for full := 0; full < 3; {
		_ = c.raw.SetWriteDeadline(time.Now().Add(20 * time.Millisecond))
		switch n, err := c.raw.Write(make([]byte, 64<<10)); {
		case err != nil && !errors.Is(err, os.ErrDeadlineExceeded):
			t.Fatal(err)
		case n == 0:
			full++
		default:
			full = 0
		}
	}
	_ = c.raw.SetWriteDeadline(time.Time{})
}

// The caller of CloseWrite holds a lock that other connections wait for. crypto/tls waits for five
// seconds.
func TestConn_AnEndDoesNotWaitForAPeerThatReadsNothing(t *testing.T) {
	var err error
	for range 3 { // the machine may be busy
		if err = endUnread(t); err == nil {
			return
		}
	}
	t.Error(err)
}

// endUnread ends a connection whose peer reads nothing, and closes it while the end waits. If the look
// at the lock meets the end there, the end is left to the writer that seems to have it, and endUnread
// fails.
func endUnread(t *testing.T) error {
	t.Helper()
	_, server := pair(t)
	fill(t, server)
	const limit = 3 * time.Second
	begun := time.Now()
	_ = server.CloseWrite()
	for server.writing.TryLock() { // until the end is being sent
		server.writing.Unlock()
		if time.Since(begun) > limit {
			return errors.New("the end does not wait for the peer")
		}
		time.Sleep(time.Millisecond)
	}
	_ = server.Close()
	if waited := time.Since(begun); waited > limit {
		return fmt.Errorf("the end took %v", waited)
	}
	return nil
}

func TestConn_AResetIsNotAnEnd(t *testing.T) {
	client, server := pair(t)
	_ = server.SetLinger(0)
	_ = server.Close()
	if b, err := io.ReadAll(client); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("%d bytes, error %v; want a reset", len(b), err)
	}
}

func TestPassTruncation(t *testing.T) {
	for name, end := range map[string]func(*Conn) error{
		"an end with a close_notify":    (*Conn).CloseWrite,
		"an end without a close_notify": func(c *Conn) error { return Beneath(c).CloseWrite() },
	} {
		t.Run(name, func(t *testing.T) {
			truncated := name == "an end without a close_notify"
			app, from := pair(t)
			client, to := pair(t)
			_ = end(app)
			wantsEnd(t, from, 0, truncated)
			PassTruncation(from, to)
			_ = to.CloseWrite()
			wantsEnd(t, client, 0, truncated)
		})
	}
}

func TestRaw_WhatIsPeekedIsReadAgain(t *testing.T) {
	client, server := rawPair(t)
	raw := NewRaw(server, pump.NewBudget(0))
	const header, rest = "header", "rest"
	for _, part := range []string{header, rest} {
		if _, err := io.WriteString(client, part); err != nil {
			t.Fatal(err)
		}
	}
	for len(raw.Peeked()) < len(header+rest) {
		if err := raw.Peek(); err != nil {
			t.Fatal(err)
		}
	}
	raw.Take(len(header))
	_ = client.CloseWrite()
	if b, err := io.ReadAll(raw); string(b) != rest || err != nil {
		t.Errorf("%q, error %v; want %q", b, err, rest)
	}
}
