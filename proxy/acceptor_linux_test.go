package proxy

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lameduck/lifecycle/silence"
	"lameduck/proxy/pump"
)

// aMinute is a rule whose silence is too long for any test to see its end.
var aMinute = silence.Rule{Quiet: time.Minute}

// waitUntil polls until a condition holds.
func waitUntil(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for begun := time.Now(); !ok(); time.Sleep(time.Millisecond) {
		if time.Since(begun) > 20*time.Second {
			t.Fatalf("timeout: not yet %s", what)
		}
	}
}

// dialAndSend opens a connection and sends s, which may be empty.
func dialAndSend(t *testing.T, address, s string) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if _, err := io.WriteString(c, s); err != nil {
		t.Fatal(err)
	}
	return c.(*net.TCPConn)
}

// full is a server at its connection limit, which is 1. The occupant uses it and sends nothing.
func full(t *testing.T) (s *Server, address string, occupant *net.TCPConn) {
	t.Helper()
	app := serveHTTP(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") })
	s, address = onLoopback(t, Config{MaxConnections: 1}, app)
	occupant = dialAndSend(t, address, "")
	waitUntil(t, "the occupant is served", func() bool { return s.connections() == 1 })
	return s, address, occupant
}

func TestAcceptor_AConnectionThatWaitsToBeAcceptedIsNotSilence(t *testing.T) {
	s, address, occupant := full(t)
	s.Drain()
	if o := s.Forecast(aMinute); o.InFlight != 0 || o.SilentIn > 0 {
		t.Errorf("forecast %+v at the connection limit with an empty backlog, want silence", o)
	}
	client := dialAndSend(t, address, get)
	waitUntil(t, "the connection that waits to be accepted is in flight", func() bool { return s.Forecast(aMinute).InFlight == 1 })
	_ = occupant.Close()
	answer, _ := io.ReadAll(client)
	if !strings.HasPrefix(string(answer), "HTTP/1.1 200") {
		t.Errorf("answer %q to the client that waited, want 200", answer)
	}
	waitUntil(t, "nothing is in flight", func() bool { return s.Forecast(aMinute).InFlight == 0 })
	if o := s.Forecast(aMinute); o.SilentIn < aMinute.Quiet/2 {
		t.Errorf("forecast %+v after the wait, want a silence that begins now", o)
	}
}

// The client that waited sends nothing, so the silence does not begin with an exchange.
func TestAcceptor_SilenceBeginsWhenConnectionsAreAcceptedAgain(t *testing.T) {
	s, address, occupant := full(t)
	s.Drain()
	client := dialAndSend(t, address, "")
	waitUntil(t, "the accept loop waits for a slot", func() bool { return s.acceptQueue() == 1 })
	_ = occupant.Close()
	waitUntil(t, "nobody waits", func() bool { return s.acceptQueue() == 0 })
	waitUntil(t, "the client is served", func() bool { return s.connections() == 1 })
	if o := s.Forecast(aMinute); o.SilentIn < aMinute.Quiet/2 || o.Required != aMinute.Quiet {
		t.Errorf("forecast %+v, want a silence of %v that begins now", o, aMinute.Quiet)
	}
	_ = client.Close()
}

// deaf is a listener without a file descriptor.
type deaf struct{ net.Listener }

func TestAcceptor_WithoutDiagnosticsTheConnectionLimitIsNotSilence(t *testing.T) {
	app := serveHTTP(t, func(http.ResponseWriter, *http.Request) {})
	s := New(Config{MaxConnections: 1})
	ln := listenLoopback(t)
	serveListener(t, s, deaf{ln}, Route{Dial: DialTCP(app.Addr().String())})
	if o := s.Forecast(aMinute); o.InFlight != 0 {
		t.Errorf("forecast %+v below the limit, want nothing in flight", o)
	}
	occupant := dialAndSend(t, ln.Addr().String(), "")
	waitUntil(t, "the limit counts as traffic", func() bool { return s.Forecast(aMinute).InFlight == 1 })
	_ = occupant.Close()
}

func TestAcceptor_AClosingServerAnswersClientsThatWaitToBeAccepted(t *testing.T) {
	s, address, _ := full(t)
	client := dialAndSend(t, address, get)
	waitUntil(t, "the client waits", func() bool { return s.acceptQueue() == 1 })
	s.Drain()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if connections, exchanges := s.Close(ctx); connections != 0 || exchanges != 0 {
		t.Errorf("%d exchanges on %d connections were cut, want none", exchanges, connections)
	}
	answer, _ := io.ReadAll(client)
	if !strings.HasPrefix(string(answer), "HTTP/1.1 200") {
		t.Errorf("answer %q to the client that waited, want 200", answer)
	}
	if _, err := net.Dial("tcp", address); err == nil {
		t.Error("a closed server accepts a connection")
	}
}

// A parker that does not run stands for anything that keeps the server from reading.
func TestAcceptor_AnUnreadRequestIsNotClosedAsIdle(t *testing.T) {
	app := serveHTTP(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") })
	s, address := onLoopback(t, Config{}, app)
	client := dialAndSend(t, address, "")
	waitUntil(t, "the connection is parked", func() bool { return s.parker.parkedConns() == 1 })
	s.parker.close()
	if _, err := io.WriteString(client, get); err != nil {
		t.Fatal(err)
	}
	c := s.all()[0]
	waitUntil(t, "the request has come", func() bool { return hasUnread(c.client) })
	s.Drain()
	s.CloseIdle()
	c.wake()
	answer, _ := io.ReadAll(client)
	if !strings.HasPrefix(string(answer), "HTTP/1.1 200") {
		t.Errorf("answer %q, want 200", answer)
	}
}

// The request has been read, and the connection does not know it yet.
func TestCloseIdle_ARequestThatIsBeingReadIsAnswered(t *testing.T) {
	app := serveHTTP(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") })
	s, address := onLoopback(t, Config{}, app)
	client := dialAndSend(t, address, get)
	answer := make([]byte, 1<<10)
	if n, err := client.Read(answer); !strings.HasSuffix(string(answer[:n]), "ok") {
		t.Fatalf("answer %q, %v", answer[:n], err)
	}
	c := only(s)
	waitUntil(t, "the connection is idle", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.inFlightLocked() == 0 && c.progress() == idle && !c.requests.Reading()
	})
	s.Drain()
	c.mu.Lock()
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		s.CloseIdle()
	}()
	time.Sleep(queued)
	if _, err := io.WriteString(client, get); err != nil {
		t.Fatal(err)
	}
	waitUntil(t, "the request is being read", func() bool { return c.requests.Reading() && !hasUnread(c.client) })
	time.Sleep(queued)
	unlockInOrder(&c.mu)
	<-closed
	_ = client.SetReadDeadline(time.Now().Add(time.Minute))
	if got, err := io.ReadAll(client); !strings.HasPrefix(string(got), "HTTP/1.1 200") {
		t.Errorf("answer %q, %v; want 200", got, err)
	}
}

func TestAcceptQueue(t *testing.T) {
	ln := listenLoopback(t)
	raw := pump.RawOf(ln)
	for want := range 4 {
		awaitQueue(t, raw, want)
		if n, known := acceptQueue(raw); n != want || !known {
			t.Errorf("%d connections wait, known: %v; want %d", n, known, want)
		}
		dialAndSend(t, ln.Addr().String(), "")
	}
	if _, known := acceptQueue(nil); known {
		t.Error("the length of the queue is known without a listener")
	}
}

// poll(2) fails with more descriptors than the limit allows.
func TestAcceptQueue_WithoutDescriptors(t *testing.T) {
	ln := listenLoopback(t)
	dialAndSend(t, ln.Addr().String(), "")
	raw := pump.RawOf(ln)
	awaitQueue(t, raw, 1)
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Setrlimit(unix.RLIMIT_NOFILE, &limit) }()
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 3, Max: limit.Max}); err != nil {
		t.Fatal(err)
	}
	if n, known := acceptQueue(raw); n != 1 || !known {
		t.Errorf("%d connections wait, known: %v; want 1", n, known)
	}
}

func TestAcceptor_ClientsThatWaitedInVainAreCounted(t *testing.T) {
	s, address, _ := full(t)
	dialAndSend(t, address, get)
	waitUntil(t, "the client waits", func() bool { return s.acceptQueue() == 1 })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if connections, _ := s.Close(ctx); connections != 1 {
		t.Errorf("%d connections were cut, want the one that was not accepted", connections)
	}
}
