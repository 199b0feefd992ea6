package main

import (
	"bufio"
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// started serves on a free port. end stops the app as SIGTERM stops a graceful one, and returns
// when it has ended.
func started(t *testing.T, o options) (url string, end func() error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- o.serve(ctx, l) }()
	end = func() error {
		cancel()
		return <-ended
	}
	t.Cleanup(func() { l.Close() })
	return "http://" + l.Addr().String(), end
}

func dial(t *testing.T, url string) *bufio.ReadWriter {
	c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(10 * time.Second))
	return bufio.NewReadWriter(bufio.NewReader(c), bufio.NewWriter(c))
}

func send(c *bufio.ReadWriter, s string) {
	c.WriteString(s)
	c.Flush()
}

func TestGracefulAppFinishesRequestsInFlight(t *testing.T) {
	url, end := started(t, options{})
	c := dial(t, url)
	send(c, "POST / HTTP/1.1\r\nHost: app\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
	// The interim response is sent when the handler waits for the body.
	if line, err := c.ReadString('\n'); line != "HTTP/1.1 100 Continue\r\n" {
		t.Fatalf("answered %q, %v", line, err)
	}
	ended := make(chan error, 1)
	go func() { ended <- end() }()
	for refused := false; !refused; {
		other, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		if refused = err != nil; !refused {
			other.Close()
		}
	}
	send(c, "abc")
	answer, err := io.ReadAll(c)
	if err != nil || !strings.HasPrefix(string(answer), "\r\nHTTP/1.1 200 OK\r\n") || !strings.HasSuffix(string(answer), "\r\n\r\nabc") {
		t.Errorf("the request in flight was answered %q, %v", answer, err)
	}
	if err := <-ended; err != nil {
		t.Errorf("the app ended with %v", err)
	}
}

func TestIdleConnectionIsClosedAfterTheTimeout(t *testing.T) {
	url, end := started(t, options{idleTimeout: 30 * time.Millisecond})
	defer end()
	c := dial(t, url)
	send(c, "GET / HTTP/1.1\r\nHost: app\r\n\r\n")
	if _, err := io.ReadAll(c); err != nil {
		t.Errorf("waiting for its end: %v", err)
	}
}

func TestSlowAppThatIsStoppedDoesNotListen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		// An attempt to listen on this address would be an error.
		if err := run(ctx, options{listen: "nowhere", startAfter: time.Minute}); err != nil {
			t.Errorf("got %v", err)
		}
		if took := time.Since(began); took != time.Second {
			t.Errorf("took %v", took)
		}
	})
}

func TestSlowAppListensAfterStartAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		if err := run(t.Context(), options{listen: "nowhere", startAfter: time.Minute}); err == nil {
			t.Error("it has listened on an invalid address")
		}
		if took := time.Since(began); took != time.Minute {
			t.Errorf("it has tried to listen after %v", took)
		}
	})
}
