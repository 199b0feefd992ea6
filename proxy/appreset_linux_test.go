package proxy

import (
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"
)

// fillsClient lets the app send to a client that reads nothing until the client takes no more.
func fillsClient(t *testing.T, c *conn, app net.Conn) {
	t.Helper()
	_ = app.SetWriteDeadline(time.Now().Add(20 * time.Second))
	for piece := make([]byte, 8<<10); !c.responses.Blocked(); time.Sleep(100 * time.Microsecond) {
		if _, err := app.Write(piece); err != nil {
			t.Fatal(err)
		}
	}
}

// The write to an app that has reset its connection takes the report of the reset, and reads find an
// end. To the client, which reads slowly, a part must not look complete.
func TestAnAppsResetIsOneAlsoIfAWriteFindsItFirst(t *testing.T) {
	for name, test := range map[string]struct{ request, answer, more string }{
		"TCP":                       {"hello\n", "world\n", "more\n"},
		"a response without length": {get, "HTTP/1.1 200 OK\r\n\r\n", get},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ln := listenLoopback(t)
			s, address := onLoopback(t, Config{}, ln)
			client := dialAndSend(t, address, test.request)
			app := acceptAndRead(t, ln, test.request)
			if _, err := io.WriteString(app, test.answer); err != nil {
				t.Fatal(err)
			}
			c := only(s)
			fillsClient(t, c, app)
			resetBy(app)
			if _, err := io.WriteString(client, test.more); err != nil {
				t.Fatal(err)
			}
			waitUntil(t, "a write to the app has failed", func() bool { return c.stateOf(fromClient) >= discarding })
			_ = client.SetReadDeadline(time.Now().Add(20 * time.Second))
			if n, err := io.Copy(io.Discard, client); !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("the client read %d bytes and then %v, want a reset", n, err)
			}
		})
	}
}

func (c *conn) stateOf(d direction) state {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.life.states[d]
}

// The parker watches both sides: one for a direction that is parked, the client for one that is
// blocked.
func TestClientWatch_AResetIsNoticedAfterTheAppWasParked(t *testing.T) {
	t.Parallel()
	ln := listenLoopback(t)
	s, address := onLoopback(t, Config{}, ln)
	client, app := connected(t, address, ln)
	passesInPieces(t, app, client, []string{"hello"}) // the app speaks first: it is TCP
	c := only(s)
	_ = client.SetWriteDeadline(time.Now().Add(20 * time.Second))
	for piece := make([]byte, 8<<10); !c.requests.Blocked(); time.Sleep(100 * time.Microsecond) {
		if _, err := client.Write(piece); err != nil {
			t.Fatal(err)
		}
	}
	watched := func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.watch != nil && c.watch.token != 0
	}
	waitUntil(t, "the client is watched, and the app is parked", func() bool {
		s.sweep()
		time.Sleep(5 * usualDial) // each sweep restarts the timer of the watch
		return watched() && c.stateOf(fromApp) == parked
	})
	passesInPieces(t, app, client, []string{"more"}) // wakes it
	if !watched() {
		t.Fatal("the client is not watched any more")
	}
	resetBy(client.(*net.TCPConn))
	waitUntil(t, "the connection has ended", func() bool { return s.connections() == 0 })
}
