package balancer

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

func TestRequestsGoRoundRobin(t *testing.T) {
	replicas := []*replica{start(t, answers(fine)), start(t, answers(fine)), start(t, answers(fine))}
	b := balance(t, Config{}, replicas...)
	for range 9 {
		send(t, b, "GET", "")
	}
	for i, r := range replicas {
		if n, _ := r.seen(); n != 3 {
			t.Errorf("endpoint %d got %d of 9 requests, want 3", i, n)
		}
	}
}

func TestConnectionsToAnEndpoint(t *testing.T) {
	closing := "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"
	cases := map[string]struct {
		keepalive int
		does      behaviour
		want      int
	}{
		"kept":                              {8, answers(fine), 1},
		"not kept without keep-alive":       {0, answers(fine), 5},
		"dropped after the close option":    {8, answers(closing), 5},
		"dropped after an HTTP/1.0 answer":  {8, answers(strings.Replace(fine, "1.1", "1.0", 1)), 5},
		"kept after a chunked body":         {8, answers("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"), 1},
		"not used where the endpoint spoke": {8, answers(fine + "HTTP/1.1 408 Request Timeout\r\n\r\n"), 5},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			r := start(t, tc.does)
			b := balance(t, Config{Keepalive: tc.keepalive}, r)
			for range 5 {
				if status, body, err := send(t, b, "POST", "x"); status != 200 || body != "ok" || err != nil {
					t.Fatalf("client got %d %q, %v", status, body, err)
				}
			}
			if _, conns := r.seen(); conns != tc.want {
				t.Errorf("5 requests used %d connections, want %d", conns, tc.want)
			}
		})
	}
}

func TestRemovedEndpointFinishesWhatIsUnderWay(t *testing.T) {
	arrived, finish := make(chan struct{}), make(chan struct{})
	slow := start(t, func(c *net.TCPConn) {
		close(arrived)
		<-finish
		io.WriteString(c, fine)
	})
	b := balance(t, Config{Keepalive: 8}, slow)
	done := make(chan int)
	go func() {
		status, _, _ := send(t, b, "POST", "x")
		done <- status
	}()
	<-arrived
	if err := b.Remove(t.Context(), slow.addr); err != nil {
		t.Error(err)
	}
	if got, _, _ := send(t, b, "GET", ""); got != 502 {
		t.Errorf("a request after the removal was answered %d, want 502", got)
	}
	close(finish)
	if got := <-done; got != 200 {
		t.Errorf("the request under way was answered %d, want 200", got)
	}
}

func TestRemovedEndpointLosesItsIdleConnections(t *testing.T) {
	ended := make(chan error, 1)
	r := start(t, func(c *net.TCPConn) {
		io.WriteString(c, fine)
		_, err := c.Read(make([]byte, 1))
		ended <- err
	})
	b := balance(t, Config{Keepalive: 8}, r)
	if status, _, _ := send(t, b, "GET", ""); status != 200 {
		t.Fatalf("answered %d", status)
	}
	if err := b.Remove(t.Context(), r.addr); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != io.EOF {
		t.Errorf("the idle connection ended with %v, want EOF", err)
	}
}

func TestAddingTwiceAndRemovingTheUnknownAreErrors(t *testing.T) {
	b := balance(t, Config{})
	if err := b.Add(t.Context(), "127.0.0.1:1"); err != nil {
		t.Error(err)
	}
	if err := b.Add(t.Context(), "127.0.0.1:1"); err == nil {
		t.Error("an endpoint was added twice")
	}
	if err := b.Remove(t.Context(), "127.0.0.1:2"); err == nil {
		t.Error("an unknown endpoint was removed")
	}
}

func TestClientThatLeavesTakesItsEndpointConnectionAlong(t *testing.T) {
	arrived, ended := make(chan struct{}), make(chan error)
	r := start(t, func(c *net.TCPConn) {
		close(arrived)
		_, err := c.Read(make([]byte, 1))
		ended <- err
	})
	b := balance(t, Config{}, r)
	c, err := net.Dial("tcp", b.Addr())
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	<-arrived
	c.Close()
	if err := <-ended; err == nil {
		t.Error("the endpoint was sent more instead of an end")
	}
}

func TestTooLargeABodyIsRefused(t *testing.T) {
	b := balance(t, Config{}, start(t, answers(fine)))
	if got, _, _ := send(t, b, "POST", strings.Repeat("x", maxBody)); got != 200 {
		t.Errorf("a body of 1 MiB was answered %d, want 200", got)
	}
	// The connection may be closed before the client has written everything.
	c, err := net.Dial("tcp", b.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1048577\r\n\r\n")
	io.CopyN(c, strings.NewReader(strings.Repeat("x", maxBody+1)), maxBody+1)
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil || resp.StatusCode != 413 {
		t.Errorf("a larger one was answered %v, %v; want 413", resp, err)
	}
}

func TestEndpointSeesTheClientsRequestWithoutHopByHopFields(t *testing.T) {
	r := start(t, answers(fine))
	b := balance(t, Config{Keepalive: 1}, r)
	c, err := net.Dial("tcp", b.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "POST /p?q=1 HTTP/1.1\r\nHost: shop\r\nX-A: 1\r\nX-Hop: 1\r\nConnection: close, X-Hop\r\n"+
		"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
	io.Copy(io.Discard, c)
	got := r.requests[0]
	if got.Host != "shop" || got.RequestURI != "/p?q=1" || got.Header.Get("X-A") != "1" || got.ContentLength != 3 {
		t.Errorf("endpoint saw host %q, target %q, fields %v and length %d", got.Host, got.RequestURI, got.Header, got.ContentLength)
	}
	if got.Close || got.Header.Get("X-Hop") != "" || got.Header.Get("User-Agent") != "" {
		t.Errorf("endpoint saw close %t and fields %v, want neither hop-by-hop fields nor added ones", got.Close, got.Header)
	}
}
