package proxy

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lameduck/proxy/pump"
)

// fullBacklog is an app that listens, does not accept, and whose backlog is full.
func fullBacklog(t *testing.T) net.Listener {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(fd), "listener")
	defer f.Close()
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	ln, err := net.FileListener(f)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	c, err := net.Dial("tcp", ln.Addr().String()) // a backlog of zero has room for one connection
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	awaitQueue(t, pump.RawOf(ln), 1)
	return ln
}

// awaitQueue waits until n connections wait to be accepted. A client is connected before the kernel
// has put its connection into the queue.
func awaitQueue(t *testing.T, listener syscall.RawConn, n int) {
	t.Helper()
	waitUntil(t, "connections wait to be accepted", func() bool { got, _ := acceptQueue(listener); return got == n })
}

// awaitWaiting polls until a connection waits for the app.
func awaitWaiting(t *testing.T, s *Server) {
	t.Helper()
	waitUntil(t, "a connection waits for the app", func() bool { return s.waiting.Load() == 1 })
}

// wantDeparture expects that the server gives up waiting for a client that has left.
func wantDeparture(t *testing.T, s *Server) {
	t.Helper()
	waitUntil(t, "the client's departure is noticed", func() bool { return s.connections() == 0 })
	if n := s.waiting.Load(); n != 0 {
		t.Errorf("%d connections wait for the app, want none", n)
	}
}

func resetBy(c *net.TCPConn) {
	_ = c.SetLinger(0)
	_ = c.Close()
}

func closeBy(c *net.TCPConn) { _ = c.Close() }

// aLongTime is an AppWait that is too long for any test to see its end.
const aLongTime = 10 * time.Minute

func TestAppWait_AFullBacklogIsAnswered503WhenTheTimeIsOver(t *testing.T) {
	for name, wait := range map[string]time.Duration{
		"less than one attempt": 50 * time.Millisecond,
		"more than one attempt": 1200 * time.Millisecond,
		"no time at all":        0,
	} {
		t.Run(name, func(t *testing.T) {
			_, address := onLoopback(t, Config{AppWait: wait}, fullBacklog(t))
			begun := time.Now()
			client := dialAndSend(t, address, get)
			_ = client.SetReadDeadline(time.Now().Add(time.Minute))
			answer, err := io.ReadAll(client)
			if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 503") {
				t.Errorf("answer %q, %v; want 503", answer, err)
			}
			if took := time.Since(begun); took < wait {
				t.Errorf("the answer came after %v, want at least %v", took, wait)
			}
		})
	}
}

func TestAppWait_AnAppThatAcceptsAgainIsReached(t *testing.T) {
	app := fullBacklog(t)
	s, address := onLoopback(t, Config{AppWait: aLongTime}, app)
	client := dialAndSend(t, address, get)
	awaitWaiting(t, s)
	go answerAll(app)
	_ = client.SetReadDeadline(time.Now().Add(time.Minute))
	answer := make([]byte, len("HTTP/1.1 200"))
	if _, err := io.ReadFull(client, answer); err != nil || string(answer) != "HTTP/1.1 200" {
		t.Errorf("answer %q, %v; want 200", answer, err)
	}
}

func TestAppWait_AConnectionThatWaitsForTheAppIsNotSilence(t *testing.T) {
	s, address := onLoopback(t, Config{AppWait: aLongTime}, fullBacklog(t))
	client := dialAndSend(t, address, get)
	awaitWaiting(t, s)
	if n := s.unwatched(); n != 1 { // not the forecast, which would count it itself
		t.Errorf("%d connections in flight while one waits for the app, want 1", n)
	}
	resetBy(client)
	wantDeparture(t, s)
	if o := s.Forecast(aMinute); o.InFlight != 0 || o.SilentIn < aMinute.Quiet/2 {
		t.Errorf("forecast %+v after the wait, want a silence that begins now", o)
	}
}

func TestAppWait_AClientThatLeavesIsNotWaitedFor(t *testing.T) {
	for name, test := range map[string]struct {
		sends  string
		route  Protocol
		closed bool // the client has half-closed before
		leave  func(*net.TCPConn)
	}{
		"with a reset":                       {"", Auto, false, resetBy},
		"with a reset, after a request":      {get, Auto, false, resetBy},
		"with a reset, in plain TCP":         {"hello", TCP, false, resetBy},
		"with a reset, after a FIN":          {get, Auto, true, resetBy},
		"with a FIN":                         {"", Auto, false, closeBy},
		"with a FIN, where HTTP/1 is spoken": {"", HTTP1, false, closeBy},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := New(Config{AppWait: aLongTime})
			address := serveLoopback(t, s, Route{Dial: DialTCP(fullBacklog(t).Addr().String()), Protocol: test.route})
			client := dialAndSend(t, address, test.sends)
			if test.closed {
				_ = client.CloseWrite()
			}
			awaitWaiting(t, s)
			test.leave(client)
			wantDeparture(t, s)
			var ended uint64 // of any protocol
			for p := range s.stats.ended {
				ended += s.stats.ended[p][endedByClient].Load()
			}
			if ended != 1 {
				t.Errorf("%d connections were ended by their clients, want 1", ended)
			}
		})
	}
}

// A client that has half-closed may wait for the answer to its request.
func TestAppWait_AClientThatHasHalfClosedIsWaitedFor(t *testing.T) {
	for name, test := range map[string]struct {
		sends string
		route Protocol
	}{
		"after a request":              {strings.Replace(get, "\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1), Auto},
		"in plain TCP, without a byte": {"", TCP},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := fullBacklog(t)
			s := New(Config{AppWait: aLongTime})
			address := serveLoopback(t, s, Route{Dial: DialTCP(app.Addr().String()), Protocol: test.route})
			client := dialAndSend(t, address, test.sends)
			_ = client.CloseWrite()
			awaitWaiting(t, s)
			go greetAll(app)
			_ = client.SetReadDeadline(time.Now().Add(time.Minute))
			answer, err := io.ReadAll(client)
			if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 200") {
				t.Errorf("answer %q, %v; want 200", answer, err)
			}
		})
	}
}

// greetAll answers each connection when its client has half-closed.
func greetAll(app net.Listener) {
	for {
		c, err := app.Accept()
		if err != nil {
			return
		}
		go func() {
			_, _ = io.Copy(io.Discard, c)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
			_ = c.Close()
		}()
	}
}

func TestAppWait_AClientThatLeavesWhileTheAppIsDialedAgainIsNotWaitedFor(t *testing.T) {
	app := listenLoopback(t)
	full := fullBacklog(t)
	dials := 0
	s := New(Config{AppWait: aLongTime, KeepClient: true})
	address := serveLoopback(t, s, Route{Protocol: HTTP1, Dial: func(ctx context.Context) (Conn, error) {
		dials++
		if dials == 1 {
			return DialTCP(app.Addr().String())(ctx)
		}
		return DialTCP(full.Addr().String())(ctx)
	}})
	client := dialAndSend(t, address, get)
	c, err := app.Accept()
	if err != nil {
		t.Fatal(err)
	}
	_, _ = c.Read(make([]byte, 1<<10))
	_, _ = io.WriteString(c, ok)
	if _, err := io.ReadFull(client, make([]byte, len(ok))); err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
	waitUntil(t, "the app is detached", func() bool {
		for _, c := range s.all() {
			c.mu.Lock()
			gone := c.life.states[fromApp] == away
			c.mu.Unlock()
			return gone
		}
		return false
	})
	_, _ = io.WriteString(client, get)
	awaitWaiting(t, s)
	resetBy(client)
	wantDeparture(t, s)
}

func TestAppWait_AClientThatLeavesWhileTheFallbackIsDialedIsNotWaitedFor(t *testing.T) {
	s := New(Config{AppWait: aLongTime})
	address := serveLoopback(t, s, Route{Dial: refused, Fallback: func(ctx context.Context) (Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}})
	waitUntil(t, "the server listens", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.acceptors) > 0
	})
	s.Drain()
	s.AppEnded()
	client := dialAndSend(t, address, get)
	awaitWaiting(t, s)
	resetBy(client)
	wantDeparture(t, s)
}

// With an app that accepts and sends nothing, the handshake lasts until its time limit.
func TestAppWait_AClientThatLeavesDuringTheHandshakeWithTheAppIsNotWaitedFor(t *testing.T) {
	app := listenLoopback(t)
	s := New(Config{AppWait: aLongTime})
	address := serveLoopback(t, s, Route{Dial: DialTCP(app.Addr().String()), TLS: serverTLS(), AppTLS: true})
	begun := time.Now()
	client := dialAndSend(t, address, "")
	go func() {
		_ = tls.Client(client, &tls.Config{InsecureSkipVerify: true}).Handshake() //nolint:gosec // it never ends
	}()
	awaitWaiting(t, s)
	resetBy(client)
	wantDeparture(t, s)
	const limit = 10 * time.Second
	if took := time.Since(begun); took >= limit {
		t.Errorf("it took %v, as long as the time limit of a handshake", took)
	}
}
