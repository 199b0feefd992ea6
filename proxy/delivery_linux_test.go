package proxy

import (
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// An undelivered is a client that has not read a response that the app and the server have written.
func undelivered(t *testing.T, s *Server) (client *net.TCPConn, app net.Conn) {
	t.Helper()
	ln := listenLoopback(t)
	address := serveLoopback(t, s, Route{Dial: DialTCP(ln.Addr().String()), Protocol: TCP})
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	client = c.(*net.TCPConn)
	_ = client.SetReadBuffer(16 << 10)
	if app, err = ln.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = app.Close() })
	if _, err := app.Write(make([]byte, 600<<10)); err != nil {
		t.Fatal(err)
	}
	for s.stats.responseBytes.Load() < 600<<10 {
		time.Sleep(time.Millisecond)
	}
	return client, app
}

// expectStandstill expects that progress ends once the client's receive buffer is full.
func expectStandstill(t *testing.T, progress func() bool) {
	t.Helper()
	for begun := time.Now(); progress(); time.Sleep(time.Millisecond) {
		if time.Since(begun) > 10*time.Second {
			t.Fatal("there is still progress although the client reads nothing")
		}
	}
}

func TestUndeliveredCountsClientsThatAreReceiving(t *testing.T) {
	s := New(Config{})
	client, _ := undelivered(t, s)
	if n := s.Undelivered(); n != 1 {
		t.Errorf("%d connections have undelivered data, want 1", n)
	}
	expectStandstill(t, func() bool { return s.Undelivered() > 0 })
	if _, err := io.CopyN(io.Discard, client, 300<<10); err != nil {
		t.Fatal(err)
	}
	if n := s.Undelivered(); n != 1 {
		t.Errorf("%d connections have undelivered data after some progress, want 1", n)
	}
	if _, err := io.CopyN(io.Discard, client, 300<<10); err != nil {
		t.Fatal(err)
	}
	expectStandstill(t, func() bool { return s.Undelivered() > 0 })
}

// lingersOn is called when the linger time is over.
func TestALingerLastsWhileTheClientIsReceiving(t *testing.T) {
	s := New(Config{})
	client, app := undelivered(t, s)
	_ = app.Close()
	c := s.all()[0]
	for ended := false; !ended; {
		c.mu.Lock()
		ended = c.life.states[fromApp] == done
		c.mu.Unlock()
	}
	over := time.Now().Add(time.Hour)
	lingers := func() bool { return !c.retryAt(over, fromClient, os.ErrDeadlineExceeded).stops() }
	if !lingers() {
		t.Error("the linger ended with undelivered data")
	}
	expectStandstill(t, lingers)
	if _, err := io.CopyN(io.Discard, client, 300<<10); err != nil {
		t.Fatal(err)
	}
	if !lingers() {
		t.Error("the linger ended although the client still reads")
	}
}

// The client cannot know of our close frame before it has received the data in front of it.
func TestTheAnswerToACloseFrameIsAwaitedWhileTheClientTakesWhatComesBefore(t *testing.T) {
	s := New(Config{})
	client, _ := undelivered(t, s)
	w := newWebSocket(s.all()[0])
	w.limitAnswer()
	if !w.extendAnswer() {
		t.Error("the wait for the client's close frame ended with undelivered data")
	}
	expectStandstill(t, w.extendAnswer)
	if _, err := io.CopyN(io.Discard, client, 300<<10); err != nil {
		t.Fatal(err)
	}
	if !w.extendAnswer() {
		t.Error("the wait for the client's close frame ended although the client still reads")
	}
}
