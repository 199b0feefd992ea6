package waitroom

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// testTimeout is the time limit for anything that must happen.
const testTimeout = 30 * time.Second

// startServer serves a room at an address of the loopback interface.
func startServer(t *testing.T, r *Room) (address string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: http.HandlerFunc(r.Wait)}
	go func() { _ = s.Serve(ln) }()
	t.Cleanup(func() {
		_ = s.Close()
		r.Release()
	})
	return ln.Addr().String()
}

// dial sends a request without reading the response.
func dial(t *testing.T, address, method string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(testTimeout))
	if _, err := io.WriteString(c, method+" /hold HTTP/1.1\r\nHost: lameduck\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	return c
}

func awaitWaiting(t *testing.T, r *Room, n int) {
	t.Helper()
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	timeout := time.After(testTimeout)
	for r.Waiting() != n {
		select {
		case <-ticker.C:
		case <-timeout:
			t.Fatalf("%d callers wait, want %d", r.Waiting(), n)
		}
	}
}

func TestTheReplyIsAWholeResponse(t *testing.T) {
	r := newTestRoom(10, -1)
	address := startServer(t, r)
	responses := make(chan string)
	for _, method := range []string{"GET", "HEAD"} {
		c := dial(t, address, method)
		go func() {
			b, _ := io.ReadAll(c)
			responses <- string(b)
		}()
	}
	awaitWaiting(t, r, 2)
	r.Release()
	head := "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 9\r\nConnection: close\r\n\r\n"
	got := []string{<-responses, <-responses}
	for _, want := range []string{head + "released\n", head} {
		if got[0] != want && got[1] != want {
			t.Errorf("responses %q, want one with %q", got, want)
		}
	}
}

func TestACallerThatLeavesMakesRoom(t *testing.T) {
	r := newTestRoom(10, -1)
	address := startServer(t, r)
	gone := dial(t, address, "GET")
	dial(t, address, "GET")
	awaitWaiting(t, r, 2)
	_ = gone.Close()
	awaitWaiting(t, r, 1)
	reset := dial(t, address, "GET").(*net.TCPConn)
	awaitWaiting(t, r, 2)
	_ = reset.SetLinger(0)
	_ = reset.Close()
	awaitWaiting(t, r, 1)
	if r.Dropped() != 0 {
		t.Error("a caller that left counts as dropped")
	}
}

func TestACallerThatSendsMoreKeepsWaiting(t *testing.T) {
	r := newTestRoom(10, -1)
	c := dial(t, startServer(t, r), "GET")
	awaitWaiting(t, r, 1)
	if _, err := io.WriteString(c, strings.Repeat("GET / HTTP/1.1\r\n\r\n", 100)); err != nil {
		t.Fatal(err)
	}
	other := dial(t, c.RemoteAddr().String(), "GET")
	awaitWaiting(t, r, 2)
	_ = other.Close()
	awaitWaiting(t, r, 1)
}

func TestADroppedCallerGetsNoAnswer(t *testing.T) {
	r := newTestRoom(1, -1)
	address := startServer(t, r)
	first := dial(t, address, "GET")
	awaitWaiting(t, r, 1)
	dial(t, address, "GET")
	if b, err := io.ReadAll(first); len(b) > 0 {
		t.Errorf("a dropped caller read %q, %v; want no byte", b, err)
	}
	awaitWaiting(t, r, 1)
}

func TestReleaseAnswersOnConnectionsWithoutADescriptor(t *testing.T) {
	r := newTestRoom(10, -1)
	ours, theirs := net.Pipe()
	r.add(ours.RemoteAddr(), caller{conn: ours})
	leaver, left := net.Pipe()
	r.add(leaver.RemoteAddr(), caller{conn: leaver})
	awaitWaiting(t, r, 2)
	_ = left.Close()
	awaitWaiting(t, r, 1)
	response := make(chan string, 1)
	go func() {
		b, _ := io.ReadAll(theirs)
		response <- string(b)
	}()
	r.Release()
	if got := <-response; !strings.HasSuffix(got, "\r\n\r\nreleased\n") {
		t.Errorf("response %q, want released", got)
	}
}
