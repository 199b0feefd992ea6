package integration

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

// An answer is a response that has been read completely.
type answer struct {
	status int
	header http.Header
	body   string
	closes bool // the response has the close option
}

// get sends a GET request on a new connection.
func get(t *testing.T, url string) answer {
	t.Helper()
	a, err := request(http.MethodGet, url, "")
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func request(method, url, body string) (answer, error) {
	return requestWithin(waitTimeout, method, url, body)
}

func requestWithin(timeout time.Duration, method, url, body string) (answer, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	resp, err := transport.RoundTrip(r)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, string(b), resp.Close}, err
}

// A keepAliveClient sends one request after the other on one connection.
type keepAliveClient struct {
	conn net.Conn
	r    *bufio.Reader
}

func dialClient(t *testing.T, address string) *keepAliveClient {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(waitTimeout))
	return &keepAliveClient{conn, bufio.NewReader(conn)}
}

func (c *keepAliveClient) send(t *testing.T, path string) {
	t.Helper()
	_ = c.conn.SetDeadline(time.Now().Add(waitTimeout)) // it is not that of the exchange before
	if _, err := fmt.Fprintf(c.conn, "GET %s HTTP/1.1\r\nHost: app\r\n\r\n", path); err != nil {
		t.Fatal(err)
	}
}

// get sends a request and reports whether the response has the close option.
func (c *keepAliveClient) get(t *testing.T, path string) (closes bool) {
	t.Helper()
	c.send(t, path)
	return c.receive(t).closes
}

// receive reads a response, and closes the connection if it has the close option.
func (c *keepAliveClient) receive(t *testing.T) answer {
	t.Helper()
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		t.Fatalf("no answer: %v", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("the answer is incomplete: %v", err)
	}
	if resp.Close {
		_ = c.conn.Close()
	}
	return answer{resp.StatusCode, resp.Header, string(body), resp.Close}
}

// wantNoAnswer expects that the connection ends without a byte. A load balancer would not retry a
// 503 elsewhere.
func (c *keepAliveClient) wantNoAnswer(t *testing.T) {
	t.Helper()
	_, _ = io.WriteString(c.conn, "GET / HTTP/1.1\r\nHost: app\r\n\r\n")
	if _, err := c.r.ReadByte(); err == nil {
		t.Error("a connection without an app has an answer")
	}
}

// post sends a POST on a new connection, without reading the answer.
func (d *lameduck) post(t *testing.T) *keepAliveClient {
	t.Helper()
	c := dialClient(t, d.front)
	if _, err := io.WriteString(c.conn, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"); err != nil {
		t.Fatal(err)
	}
	return c
}

// rawStatus sends the bytes of a request and returns the status of the response.
func rawStatus(t *testing.T, address, request string) int {
	t.Helper()
	c := dialClient(t, address)
	defer c.conn.Close()
	if _, err := io.WriteString(c.conn, request); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(c.conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

// dialFrom connects from a client address.
func dialFrom(t *testing.T, from, address string) net.Conn {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	c, err := d.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(waitTimeout))
	return c
}

// refused reports whether nobody listens at an address.
func refused(address string) bool {
	c, err := net.Dial("tcp", address)
	if err == nil {
		_ = c.Close()
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}

// crowdAddress is the client address of the crowds, which is not the kubelet's.
const crowdAddress = "127.0.0.66"

// crowd sends a request from the crowd's address on each of n connections. It does not read the
// responses.
func crowd(t *testing.T, n int, address, request string) []net.Conn {
	t.Helper()
	var conns []net.Conn
	for range n {
		c := dialFrom(t, crowdAddress, address)
		if _, err := io.WriteString(c, request); err != nil {
			t.Fatal(err)
		}
		conns = append(conns, c)
	}
	return conns
}
