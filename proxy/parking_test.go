package proxy

import (
	"bytes"
	"io"
	"net"
	"testing"
	"time"
)

// The sockets in these tests are real: a connection in memory cannot be parked.

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

// keepSweeping tries without a pause to park connections.
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

func TestAParkedWebSocketThatIsToldToLeaveEnds(t *testing.T) {
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
				t.Fatalf("the client has %q, error %v; want a close frame", frame, err)
			}
			if _, err := io.WriteString(client, test.answer); err != nil {
				t.Fatal(err)
			}
			_ = app.SetReadDeadline(time.Now().Add(10 * lingerTimeout))
			got, err := io.ReadAll(app)
			if err != nil || !bytes.HasPrefix(got, []byte("\x88\x82")) {
				t.Errorf("the app has %q, error %v; want a client's close frame and the end", got, err)
			}
			if !eventually(func() bool { return s.connections() == 0 }) {
				t.Error("the connection is left")
			}
		})
	}
}

// Whatever limits how long a connection waits limits it when it is idle, too.
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
				if !eventually(ended) {
					t.Error("the connection waits without a limit")
				}
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
