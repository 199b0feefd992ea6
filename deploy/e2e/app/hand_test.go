package main

import (
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"
)

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// connect opens a connection and sends text on it.
func connect(t *testing.T, l net.Listener, text string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	return c
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: timeout", what)
		}
	}
}

func TestWhatIsDueOrUnderWayIsInHandAndWhatLiesIdleIsNot(t *testing.T) {
	l := listen(t)
	h, waiting := newHand(l), make(chan struct{})
	var seen atomic.Int32
	note := func(c net.Conn, s http.ConnState) {
		h.note(c, s)
		if s == http.StateNew {
			seen.Add(1)
		}
	}
	s := &http.Server{ConnState: note, Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/wait" {
			<-waiting
		}
	})}
	go s.Serve(l)
	defer s.Close()
	defer close(waiting)
	idle := connect(t, l, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if n, err := idle.Read(make([]byte, 4<<10)); n == 0 {
		t.Fatal(err)
	}
	connect(t, l, "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
	connect(t, l, "")
	eventually(t, "two are in hand", func() bool { return seen.Load() == 3 && h.accepted() == 2 })
	if n := h.close(); n != 2 {
		t.Errorf("%d are in hand at the end, want 2", n)
	}
	if c, err := net.Dial("tcp", l.Addr().String()); err == nil {
		c.Close()
		t.Error("a connection is accepted after the end")
	}
}

func TestWhatTheKernelHasAcceptedIsInHand(t *testing.T) {
	l := listen(t)
	h := newHand(l)
	for range 3 {
		connect(t, l, "")
	}
	eventually(t, "three are in the queue", func() bool { return h.queued() == 3 })
	if n := h.close(); n != 3 {
		t.Errorf("%d are in hand at the end, want 3", n)
	}
}
