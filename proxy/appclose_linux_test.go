package proxy

import (
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"
)

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
			fill(t, app, &c.responses)
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

// The first of two requests in one piece is passed on, and not written before the second one has been
// looked at. The app closes in between.
func TestKeepClient_TwoRequestsInOnePieceAreSentOnceEach(t *testing.T) {
	t.Parallel()
	const tries = 50
	for range tries {
		if appClosesBetweenTwoRequests(t) {
			return
		}
	}
	t.Errorf("the app has not closed between the two requests in %d attempts", tries)
}

// appClosesBetweenTwoRequests lets the app close when the first request of two has begun, and the second
// one has not. It returns false if both had begun, and the client has seen the end.
func appClosesBetweenTwoRequests(t *testing.T) bool {
	t.Helper()
	const next = "GET /next HTTP/1.1\r\nHost: a\r\n\r\n"
	ln := listenLoopback(t)
	s, address := onLoopback(t, Config{KeepClient: true}, ln)
	client := dialAndSend(t, address, get)
	app := acceptAndRead(t, ln, get)
	passesInPieces(t, app, client, []string{ok})
	c := only(s)
	waitUntil(t, "the connection is idle", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.inFlightLocked() == 0
	})
	c.mu.Lock()
	if _, err := io.WriteString(client, get+next); err != nil {
		t.Fatal(err)
	}
	time.Sleep(queued) // until the relay asks whether there is an app
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		c.mu.Lock()
		time.Sleep(queued) // until the first request is about to begin
		_ = app.Close()
		time.Sleep(queued) // until this has been seen
		unlockInOrder(&c.mu)
	}()
	time.Sleep(queued)
	unlockInOrder(&c.mu)
	<-closed
	answered := make(chan string, 1)
	go func() {
		answer := make([]byte, len(ok+ok))
		n, _ := io.ReadFull(client, answer)
		answered <- string(answer[:n])
	}()
	again := make(chan *net.TCPConn, 1)
	go func() {
		if c, err := ln.Accept(); err == nil {
			again <- c.(*net.TCPConn)
		}
	}()
	select {
	case <-answered:
		return false
	case app := <-again:
		defer app.Close()
		got := make([]byte, len(get+next))
		if _, err := io.ReadFull(app, got); err != nil || string(got) != get+next {
			t.Fatalf("the app got %q, error %v; want each request once", got, err)
		}
		if _, err := io.WriteString(app, ok+ok); err != nil {
			t.Fatal(err)
		}
		if answer := <-answered; answer != ok+ok {
			t.Errorf("the client got %q, want both responses", answer)
		}
		return true
	}
}

// queued is long enough for a goroutine to wait for a mutex.
const queued = 20 * time.Millisecond

// unlockInOrder unlocks a mutex so that the goroutines that wait for it get it in their order: the first
// one demands this when it has waited for a millisecond and finds the mutex locked again (sync.Mutex).
func unlockInOrder(mu *mutex) {
	mu.Unlock()
	mu.Lock()
	time.Sleep(queued)
	mu.Unlock()
}
