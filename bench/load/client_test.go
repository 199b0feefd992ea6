package load

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"testing"
	"time"

	"lameduck/bench/openloop"
	"lameduck/bench/port"
)

const fine = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

func echo(c *net.TCPConn, body []byte) {
	fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

// exchange sends one request on a new connection and returns the cause of its failure.
func exchange(t *testing.T, addr string, timeout time.Duration, r Request) Cause {
	c := newClient(addr, Config{Timeout: timeout}.withDefaults())
	defer c.pool.Close()
	err := c.exchange(context.Background(), r, 7)
	t.Logf("%s: %v", r, err)
	return openloop.CauseOf(err)
}

func TestFailureIsCountedAsWhatItIs(t *testing.T) {
	cases := map[string]struct {
		peer peer
		want Cause
	}{
		"nothing wrong":            {echo, ""},
		"nothing wrong, interim":   {then(answer("HTTP/1.1 103 Early Hints\r\n\r\n"), echo), ""},
		"502":                      {answer("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"), BadGateway},
		"503":                      {answer("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"), Unavailable},
		"504":                      {answer("HTTP/1.1 504 Gateway Timeout\r\nContent-Length: 0\r\n\r\n"), OtherStatus},
		"204":                      {answer("HTTP/1.1 204 No Content\r\n\r\n"), OtherStatus},
		"502 cut short":            {then(answer("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 9\r\n\r\n"), finish), BadGateway},
		"RST before the answer":    {reset, Reset},
		"FIN before the answer":    {finish, Reset},
		"FIN in the head":          {then(answer("HTTP/1.1 200 OK\r\nConte"), finish), Truncated},
		"FIN in a fixed body":      {then(answer("HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n7:"), finish), Truncated},
		"FIN in a chunked body":    {then(answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n7:"), finish), Truncated},
		"FIN between chunks":       {then(answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n7:\r\n"), finish), Truncated},
		"FIN instead of the echo":  {then(answer("HTTP/1.0 200 OK\r\n\r\n7:"), finish), Truncated},
		"another request's answer": {answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n8:"), Garbled},
		"no HTTP":                  {answer("SSH-2.0-OpenSSH\r\n\r\n"), Garbled},
		"bad chunk":                {answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"), Garbled},
		"interim answer, then FIN": {then(answer("HTTP/1.1 103 Early Hints\r\n\r\n"), finish), Truncated},
	}
	for name, tc := range cases {
		for _, newConn := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, new connection %t", name, newConn), func(t *testing.T) {
				r := Request{Method: "POST", Body: 100, NewConn: newConn}
				if got := exchange(t, serve(t, tc.peer).addr, time.Minute, r); got != tc.want {
					t.Errorf("counted as %q, want %q", got, tc.want)
				}
			})
		}
	}
}

func TestResetInTheBodyIsTruncated(t *testing.T) {
	// The reset must arrive after the client has read the first bytes, or the kernel drops them.
	started := make(chan struct{})
	s := serve(t, then(
		answer("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"),
		func(*net.TCPConn, []byte) { <-started },
		reset,
	))
	c := newClient(s.addr, Config{Timeout: time.Minute}.withDefaults())
	defer c.pool.Close()
	conn, err := c.pool.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	message, _ := Request{}.appendMessage(nil, "x", 0)
	conn.Write(message)
	resp, err := openloop.ReadHead(conn, "GET")
	if err != nil {
		t.Fatal(err)
	}
	close(started)
	if got := openloop.CauseOf(checkBody(conn, resp.Body, new(bytes.Buffer), nil)); got != Truncated {
		t.Errorf("counted as %q, want %q", got, Truncated)
	}
}

func TestSilenceIsATimeout(t *testing.T) {
	cases := map[string]peer{
		"before the answer": answer(""),
		"in the head":       answer("HTTP/1.1 200 OK\r\n"),
		"in the body":       answer("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"),
	}
	for name, silent := range cases {
		t.Run(name, func(t *testing.T) {
			if got := exchange(t, serve(t, silent).addr, 50*time.Millisecond, Request{}); got != Timeout {
				t.Errorf("counted as %q, want %q", got, Timeout)
			}
		})
	}
}

func TestClosedPortIsRefused(t *testing.T) {
	addr, err := port.Addr()
	if err != nil {
		t.Fatal(err)
	}
	if got := exchange(t, addr, time.Minute, Request{}); got != Refused {
		t.Errorf("counted as %q, want %q", got, Refused)
	}
}

func TestNothingIsEverRepeated(t *testing.T) {
	for _, method := range []string{"POST", "GET"} {
		for name, broken := range map[string]peer{"reset": reset, "closed": finish} {
			t.Run(method+" "+name, func(t *testing.T) {
				s := serve(t, echo, broken, echo)
				c := newClient(s.addr, Config{Timeout: time.Minute}.withDefaults())
				defer c.pool.Close()
				r := Request{Method: method, Body: 10}
				if err := c.exchange(t.Context(), r, 0); err != nil {
					t.Fatal(err)
				}
				if got := openloop.CauseOf(c.exchange(t.Context(), r, 1)); got != Reset {
					t.Errorf("counted as %q, want %q", got, Reset)
				}
				if requests, conns := s.seen(); requests != 2 || conns != 1 {
					t.Errorf("server saw %d requests on %d connections, want 2 on 1", requests, conns)
				}
			})
		}
	}
}

func TestConnections(t *testing.T) {
	closing := "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"
	cases := map[string]struct {
		answer  string
		newConn bool
		want    int
	}{
		"keep-alive uses one":                 {fine, false, 1},
		"new connections use one each":        {fine, true, 3},
		"the close option ends a connection":  {closing, false, 3},
		"an HTTP/1.0 answer ends one as well": {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", false, 3},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			s := serve(t, answer(tc.answer))
			c := newClient(s.addr, Config{Timeout: time.Minute}.withDefaults())
			defer c.pool.Close()
			for range 3 {
				if err := c.exchange(t.Context(), Request{NewConn: tc.newConn}, 0); err != nil {
					t.Fatal(err)
				}
			}
			if _, conns := s.seen(); conns != tc.want {
				t.Errorf("used %d connections, want %d", conns, tc.want)
			}
		})
	}
}

func TestNoConnectionIsReusedWhileUnsettled(t *testing.T) {
	s := serve(t, echo)
	unsettled := false
	c := newClient(s.addr, Config{Timeout: time.Minute, Unsettled: func() bool { return unsettled }})
	defer c.pool.Close()
	for i, step := range []struct {
		unsettled bool
		conns     int // in all, after it
	}{{false, 1}, {false, 1}, {true, 2}, {true, 3}, {false, 3}} {
		unsettled = step.unsettled
		if err := c.exchange(t.Context(), Request{Method: "POST", Body: 10}, i); err != nil {
			t.Fatal(err)
		}
		if _, n := s.seen(); n != step.conns {
			t.Errorf("after request %d there were %d connections, want %d", i, n, step.conns)
		}
	}
}
