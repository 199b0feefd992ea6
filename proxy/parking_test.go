package proxy

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"testing"
	"time"
)

// These tests use real sockets: a connection in memory cannot be parked.

// openWebSocket opens a WebSocket connection.
func openWebSocket(t *testing.T) (s *Server, client, app net.Conn) {
	t.Helper()
	ln := listenLoopback(t)
	s, address := onLoopback(t, Config{}, ln)
	client, app = connected(t, address, ln)
	passesInPieces(t, client, app, []string{upgrade})
	passesInPieces(t, app, client, []string{upgraded101})
	return s, client, app
}

// parks waits until the only connection is parked.
func parks(t *testing.T, s *Server) {
	t.Helper()
	if !eventually(func() bool { s.sweep(); return s.parker.parkedConns() == 1 }) {
		t.Fatal("the connection is not parked")
	}
}

// keepSweeping tries to park connections all the time.
func keepSweeping(t *testing.T, s *Server) {
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
				s.sweep()
			}
		}
	}()
	t.Cleanup(func() { close(stop); <-stopped })
}

func TestAParkedWebSocketThatIsAskedToDisconnectEnds(t *testing.T) {
	for name, test := range map[string]struct {
		awake  bool   // it is not parked before the drain
		answer string // to our close frame
	}{
		"when its client never answers":                    {false, ""},
		"when its client has never said anything":          {true, ""},
		"when its client answers and nobody closes it":     {false, maskedNormal},
		"when it would be parked while that is waited for": {true, maskedNormal},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, client, app := openWebSocket(t)
			if !test.awake {
				parks(t, s)
			}
			keepSweeping(t, s)
			s.Drain()
			frame := make([]byte, len(goingAway))
			_ = client.SetReadDeadline(time.Now().Add(10 * time.Second))
			if _, err := io.ReadFull(client, frame); err != nil || string(frame) != goingAway {
				t.Fatalf("the client got %q, error %v; want a close frame", frame, err)
			}
			if _, err := io.WriteString(client, test.answer); err != nil {
				t.Fatal(err)
			}
			_ = app.SetReadDeadline(time.Now().Add(10 * lingerTimeout))
			got, err := io.ReadAll(app)
			if err != nil || !bytes.HasPrefix(got, []byte("\x88\x82")) {
				t.Errorf("the app got %q, error %v; want a client's close frame and the end", got, err)
			}
			if !eventually(func() bool { return s.connections() == 0 }) {
				t.Error("the connection is still open")
			}
		})
	}
}

// Every time limit of a connection also applies while it is parked.
func TestNoDeadlineIsLostByParking(t *testing.T) {
	const soon = 100 * time.Millisecond
	for name, limit := range map[string]func(*conn){
		"silence of the client":        func(c *conn) { c.limitSilence(&c.requests, soon) },
		"silence of the app":           func(c *conn) { c.limitSilence(&c.responses, soon) },
		"the end of everything":        func(c *conn) { c.limitAll(soon) },
		"the client's time for a head": func(c *conn) { c.setHeadDeadline(time.Now().Add(soon)) },
		"the client's time to close":   func(c *conn) { c.mu.Lock(); defer c.mu.Unlock(); c.lingerLocked() },
	} {
		for order, parkFirst := range map[string]bool{"on a parked connection": true, "before it would be parked": false} {
			t.Run(name+" "+order, func(t *testing.T) {
				t.Parallel()
				s, _, _ := openWebSocket(t)
				c := only(s)
				if parkFirst {
					parks(t, s)
				}
				limit(c)
				keepSweeping(t, s)
				ended := func() bool {
					c.mu.Lock()
					defer c.mu.Unlock()
					return c.life.states[fromClient] == done || c.life.states[fromApp] == done
				}
				waitUntil(t, "ended by its time limit", ended)
			})
		}
	}
}

func TestAParkedConnectionOfAnUnknownProtocolPassesWhatComes(t *testing.T) {
	ln := listenLoopback(t)
	s, address := onLoopback(t, Config{}, ln)
	client, app := connected(t, address, ln)
	parks(t, s)
	keepSweeping(t, s)
	passesInPieces(t, client, app, []string{"L", "O", "GIN bob"})
	passesInPieces(t, app, client, []string{"w", "elcome"})
	passesInPieces(t, client, app, []string{"more"})

	client, app = connected(t, address, ln)
	passesInPieces(t, app, client, []string{"\x00", "\x00", "\x00"})
	passesInPieces(t, client, app, []string{"P", "RI"})
	passesInPieces(t, app, client, []string{"\x00more"})
}

// An app may answer a client whose bytes it does not read, such as with an error, and a client may
// send before it reads an answer.
func TestASideIsReadWhileTheOtherIsBlocked(t *testing.T) {
	for name, d := range map[string]direction{"the app does not read": fromClient, "the client does not read": fromApp} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, client, app := connectedByTCP(t)
			from, to := client, app
			if d == fromApp {
				from, to = app, client
			}
			go io.Copy(from, unending{}) // to does not read it
			c := only(s)
			if !eventually(func() bool { return c.flow(d).Blocked() }) {
				t.Fatal("the write is not blocked")
			}
			keepSweeping(t, s)
			otherIsParked := func() bool {
				c.mu.Lock()
				defer c.mu.Unlock()
				return c.life.states[1-d] == parked
			}
			if !eventually(otherIsParked) {
				t.Fatal("the other direction is not parked")
			}
			passesInPieces(t, to, from, []string{"stop"})
		})
	}
}

// unending never ends.
type unending struct{}

func (unending) Read(b []byte) (int, error) { return len(b), nil }

func TestAConnectionIsParkedAgainWithoutADeadline(t *testing.T) {
	s, client, app := openWebSocket(t)
	parks(t, s)
	c := only(s)
	c.limitSilence(&c.requests, time.Hour)
	for range 10 {
		s.sweep()
	}
	if s.parker.parkedConns() != 0 {
		t.Fatal("a connection with a deadline is parked")
	}
	c.limitSilence(&c.requests, 0)
	parks(t, s)
	passesInPieces(t, client, app, []string{maskedText})
	passesInPieces(t, app, client, []string{text})
}

// A splitConn can hold back the second half of a write.
type splitConn struct {
	*net.TCPConn
	splits bool
	rest   []byte
}

func (c *splitConn) Write(b []byte) (int, error) {
	if !c.splits {
		return c.TCPConn.Write(b)
	}
	c.rest = append(c.rest, b[len(b)/2:]...)
	_, err := c.TCPConn.Write(b[:len(b)/2])
	return len(b), err
}

// openTLS opens a connection whose TLS is terminated, and re-encrypted if reencrypt is set.
func openTLS(t *testing.T, reencrypt bool) (s *Server, client *tlsPeer, wire *splitConn, app net.Conn) {
	t.Helper()
	ln := listenLoopback(t)
	s = New(Config{})
	address := serveLoopback(t, s, Route{TLS: serverTLS(), AppTLS: reencrypt, Dial: DialTCP(ln.Addr().String())})
	accepted := make(chan net.Conn, 1)
	go func() {
		defer close(accepted)
		c, err := ln.Accept()
		if reencrypt && err == nil {
			c = tls.Server(c, serverTLS())
			err = c.(*tls.Conn).Handshake()
		}
		if err == nil {
			accepted <- c
		}
	}()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	wire = &splitConn{TCPConn: c.(*net.TCPConn)}
	client = secureClient(t, wire, &tls.Config{})
	if err := client.Handshake(); err != nil {
		t.Fatal(err)
	}
	if app = <-accepted; app == nil {
		t.Fatal("the app got no connection")
	}
	t.Cleanup(func() { _ = app.Close() })
	return s, client, wire, app
}

func TestAnIdleConnectionInTLSIsParked(t *testing.T) {
	for name, reencrypt := range map[string]bool{"to an app in clear text": false, "to an app in TLS": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, client, _, app := openTLS(t, reencrypt)
			for range 3 {
				passesInPieces(t, client, app, []string{get})
				passesInPieces(t, app, client, []string{ok})
				parks(t, s)
			}
			s.Drain()
			passesInPieces(t, client, app, []string{get})
			if _, err := io.WriteString(app, ok); err != nil {
				t.Fatal(err)
			}
			client.wants(okClose)
			client.wantsEnd(false)
		})
	}
}

func TestAConnectionThatIsParkedWithinATLSRecordReadsTheRest(t *testing.T) {
	s, client, wire, app := openTLS(t, false)
	passesInPieces(t, client, app, []string{get})
	passesInPieces(t, app, client, []string{ok})
	wire.splits = true
	if _, err := io.WriteString(client, get); err != nil {
		t.Fatal(err)
	}
	parks(t, s)
	keepSweeping(t, s)
	wire.splits = false
	if _, err := wire.Write(wire.rest); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(get))
	_ = app.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.ReadFull(app, got); err != nil || string(got) != get {
		t.Fatalf("the app got %q, error %v; want %q", got, err, get)
	}
	passesInPieces(t, app, client, []string{ok})
}
