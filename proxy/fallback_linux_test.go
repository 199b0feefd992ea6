package proxy

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"syscall"
	"testing"
	"time"
)

// dying runs servers that drain and whose apps have gone. The fallback of each is the next one, and that of the last the first.
func dying(t *testing.T, n int) (servers []*Server, addresses []string) {
	t.Helper()
	listeners := make([]net.Listener, n)
	for i := range listeners {
		ln, err := Listen("127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		listeners[i] = ln
		addresses = append(addresses, ln.Addr().String())
	}
	for i, ln := range listeners {
		s := New(Config{})
		servers = append(servers, s)
		serveListener(t, s, ln, Route{Dial: refused, Fallback: DialFallback(addresses[(i+1)%n])})
		for listening := false; !listening; { // AppEnded closes a listener that Serve has not seen
			s.mu.Lock()
			listening = len(s.listeners) > 0
			s.mu.Unlock()
		}
		s.Drain()
		s.AppEnded()
	}
	return servers, addresses
}

func refused(context.Context) (Conn, error) {
	return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
}

// A pod whose Service leads to itself, and two pods that end at the same time and lead to each other: the connection gets as far as the
// second door and ends there.
func TestNoConnectionGoesRoundInCircles(t *testing.T) {
	for name, n := range map[string]int{"to itself": 1, "by another pod that ends": 2, "by two": 3} {
		t.Run(name, func(t *testing.T) {
			servers, addresses := dying(t, n)
			c, err := net.Dial("tcp", addresses[0])
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			_ = c.SetDeadline(time.Now().Add(10 * time.Second))
			if b, err := io.ReadAll(c); len(b) > 0 || err != nil && !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("the client has %q, error %v; want nothing, and the end", b, err)
			}
			total := 0
			for _, s := range servers {
				total += int(s.stats.fellBack.Load())
			}
			if total != 1 {
				t.Errorf("%d connections went to fallbacks, want 1", total)
			}
		})
	}
}

func TestWhoComesByAFallbackIsServedWhereThereIsAnApp(t *testing.T) {
	_, address := onLoopback(t, Config{}, serveHTTP(t, echo))
	fallback := DialFallback(address)
	client := &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return fallback(ctx) },
	}}
	defer client.CloseIdleConnections()
	resp, err := client.Get("http://" + address)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("the answer is %s, want 200", resp.Status)
	}
}

// A mark that was seen where there is none would refuse clients.
func TestNoOrdinaryConnectionIsTakenForAFallback(t *testing.T) {
	ln := listenLoopback(t)
	for _, segment := range []int{0, 536, 1186, 1188, 1220, 1460} {
		d := net.Dialer{Control: func(_, _ string, c syscall.RawConn) error {
			return c.Control(func(fd uintptr) {
				if segment > 0 {
					_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_MAXSEG, segment)
				}
			})
		}}
		if arrival := arrivalOf(t, ln, d.Dial); byFallback(arrival) {
			t.Errorf("a connection with segments of %d bytes (0: as large as they get) is taken for one by a fallback", segment)
		}
	}
	dial := func(_, address string) (net.Conn, error) { return DialFallback(address)(t.Context()) }
	if !byFallback(arrivalOf(t, ln, dial)) {
		t.Error("a connection by a fallback is not taken for one")
	}
}

func arrivalOf(t *testing.T, ln net.Listener, dial func(network, address string) (net.Conn, error)) Conn {
	t.Helper()
	c, err := dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	arrival, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = arrival.Close() })
	return arrival.(*net.TCPConn)
}
