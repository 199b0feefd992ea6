package adminserver

import (
	"bufio"
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/zap"

	"lameduck/lifecycle/accept"
)

// testTimeout is the time limit for anything that must happen.
const testTimeout = 30 * time.Second

// start serves "ok" at an address of the loopback interface. The listener is wrapped if wrap is not
// nil.
func start(t *testing.T, maxConns int, wrap func(net.Listener) net.Listener) (*Server, string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := ln.Addr().String()
	if wrap != nil {
		ln = wrap(ln)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") })
	mux.HandleFunc("/take", func(w http.ResponseWriter, _ *http.Request) {
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		t.Cleanup(func() { _ = c.Close() })
		_, _ = io.WriteString(c, "taken")
	})
	s := New(Config{
		Handler: mux, MaxConns: maxConns,
		Failures: accept.NewFailures(zap.NewNop()), ErrorLog: log.New(io.Discard, "", 0),
	})
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = s.Serve(ln)
	}()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		s.Shutdown(ctx)
		<-served
	})
	return s, address
}

// A client is a connection from a client address.
type client struct {
	net.Conn
	r *bufio.Reader
}

func dial(t *testing.T, from, address string) *client {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	c, err := d.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(testTimeout))
	return &client{c, bufio.NewReader(c)}
}

// get sends a request and returns the response's body, or an error if there is none.
func (c *client) get() (string, error) {
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: lameduck\r\n\r\n"); err != nil {
		return "", err
	}
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return string(b), err
}

func (c *client) wantAnswer(t *testing.T, what string) {
	t.Helper()
	if body, err := c.get(); body != "ok" {
		t.Errorf("%s: answer %q, %v, want ok", what, body, err)
	}
}

func TestACrowdOfConnectionsDisplacesOnlyItself(t *testing.T) {
	const limit = 32
	s, address := start(t, limit, nil)
	scraper := dial(t, "127.0.0.1", address)
	scraper.wantAnswer(t, "a connection before the crowd")
	var crowd []*client
	for range 10 * limit {
		c := dial(t, "127.0.0.66", address)
		crowd = append(crowd, c)
	}
	dial(t, "127.0.0.1", address).wantAnswer(t, "a connection after the crowd")
	crowd[len(crowd)-1].wantAnswer(t, "the newest connection of the crowd")
	scraper.wantAnswer(t, "the connection from before the crowd")
	s.mu.Lock()
	n := s.conns.Len()
	s.mu.Unlock()
	if n > limit {
		t.Errorf("%d connections, want at most %d", n, limit)
	}
	if b, err := crowd[0].r.ReadByte(); err == nil {
		t.Errorf("the oldest connection of the busiest client read %q, want it closed", b)
	}
}

func TestAConnectionThatIsTakenOverCountsNoMore(t *testing.T) {
	_, address := start(t, 2, nil)
	taken := make([]*client, 10)
	for i := range taken {
		taken[i] = dial(t, "127.0.0.1", address)
		_, _ = io.WriteString(taken[i], "GET /take HTTP/1.1\r\nHost: lameduck\r\n\r\n")
		b := make([]byte, len("taken"))
		if _, err := io.ReadFull(taken[i].r, b); err != nil || string(b) != "taken" {
			t.Fatalf("%q, %v; want taken", b, err)
		}
	}
	for range 3 {
		dial(t, "127.0.0.1", address).wantAnswer(t, "another connection")
	}
	for i, c := range taken {
		_ = c.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
		if _, err := c.r.ReadByte(); !os.IsTimeout(err) {
			t.Errorf("hijacked connection %d was closed: %v", i, err)
		}
	}
}

// A poorListener fails as if descriptors had run out, while isPoor returns true.
type poorListener struct {
	net.Listener
	mu     sync.Mutex
	isPoor func() bool
}

func (l *poorListener) Accept() (net.Conn, error) {
	l.mu.Lock()
	poor := l.isPoor()
	l.mu.Unlock()
	if poor {
		return nil, &net.OpError{Op: "accept", Err: os.NewSyscallError("accept4", syscall.EMFILE)}
	}
	return l.Listener.Accept()
}

func (l *poorListener) set(isPoor func() bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.isPoor = isPoor
}

// startPoor starts a server with a poorListener that does not fail yet.
func startPoor(t *testing.T) (*Server, *poorListener, string) {
	t.Helper()
	poor := &poorListener{isPoor: func() bool { return false }}
	s, address := start(t, 10, func(ln net.Listener) net.Listener {
		poor.Listener = ln
		return poor
	})
	return s, poor, address
}

func (s *Server) inReserve() int {
	s.reserve.mu.Lock()
	defer s.reserve.mu.Unlock()
	return len(s.reserve.fds)
}

func TestWithoutDescriptorsTheReserveIsUsed(t *testing.T) {
	s, poor, address := startPoor(t)
	first := dial(t, "127.0.0.1", address)
	first.wantAnswer(t, "a connection") // Accept waits for the next one
	poor.set(func() bool { return s.inReserve() == reserved })
	second := dial(t, "127.0.0.1", address)
	second.wantAnswer(t, "the connection for which Accept waited")
	third := dial(t, "127.0.0.1", address)
	third.wantAnswer(t, "a connection for which there is no descriptor")
	if s.config.Failures.Total() == 0 {
		t.Error("no failure was counted")
	}
	first.wantAnswer(t, "a connection from before")
	poor.set(func() bool { return false })
	_ = first.Close()
	s.awaitReserve(t)
}

// awaitReserve waits until the reserve is full.
func (s *Server) awaitReserve(t *testing.T) {
	t.Helper()
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	timeout := time.After(testTimeout)
	for s.inReserve() < reserved {
		select {
		case <-ticker.C:
		case <-timeout:
			t.Fatalf("%d descriptors in reserve, want %d", s.inReserve(), reserved)
		}
	}
}

func TestWithoutAReserveTheBusiestAddressGivesWay(t *testing.T) {
	s, poor, address := startPoor(t)
	scraper := dial(t, "127.0.0.1", address)
	scraper.wantAnswer(t, "a connection")
	oldest := dial(t, "127.0.0.66", address)
	oldest.wantAnswer(t, "the first of a crowd")
	newest := dial(t, "127.0.0.66", address)
	newest.wantAnswer(t, "the second")
	last := dial(t, "127.0.0.66", address)
	poor.set(func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.conns.Len() > 3
	})
	last.wantAnswer(t, "the third, for which Accept waited")
	kubelet := dial(t, "127.0.0.2", address)
	kubelet.wantAnswer(t, "a connection for which there is no descriptor")
	if _, err := oldest.r.ReadByte(); err == nil || os.IsTimeout(err) {
		t.Errorf("the oldest connection of the busiest client: %v, want it closed", err)
	}
	scraper.wantAnswer(t, "the only connection of its address")
}

func TestAListenerThatHasEndedEndsServe(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = ln.Close()
	s := New(Config{Handler: http.NotFoundHandler(), MaxConns: 1, Failures: accept.NewFailures(zap.NewNop())})
	if err := s.Serve(ln); err == nil {
		t.Error("no error from a closed listener")
	}
}
