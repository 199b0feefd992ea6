package proxy

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"lameduck/proxy/mss"
	"lameduck/proxy/pump"
)

// drainingWithoutApps runs draining servers whose apps have exited. The fallback of each is the
// next one, and that of the last is the first.
func drainingWithoutApps(t *testing.T, n int) (servers []*Server, addresses []string) {
	t.Helper()
	listeners := make([]net.Listener, n)
	for i := range listeners {
		ln, err := Listen("tcp", "127.0.0.1:0")
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
			listening = len(s.acceptors) > 0
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

// refusedLate is refused after the client's connection has been accepted.
func refusedLate(ctx context.Context) (Conn, error) {
	time.Sleep(10 * time.Millisecond)
	return refused(ctx)
}

// A pod whose Service routes back to it, and pods that terminate at the same time and route to each
// other.
func TestNoConnectionGoesRoundInCircles(t *testing.T) {
	for name, n := range map[string]int{"to itself": 1, "by another pod that ends": 2, "by two": 3} {
		t.Run(name, func(t *testing.T) {
			servers, addresses := drainingWithoutApps(t, n)
			c, err := net.Dial("tcp", addresses[0])
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if _, err := io.WriteString(c, get); err != nil {
				t.Fatal(err)
			}
			_ = c.SetDeadline(time.Now().Add(10 * time.Second))
			if b, err := io.ReadAll(c); !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("the client got %q, error %v; want no data and a reset", b, err)
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

// The app has exited, and the server does not know it yet: it may not even drain. A connection from
// a fallback is reset at once, while other connections wait for the app.
func TestAFallbackConnectionDoesNotWaitForTheApp(t *testing.T) {
	s := New(Config{AppWait: time.Minute})
	address := serveLoopback(t, s, Route{Dial: refusedLate, Fallback: refused})
	c, err := (&net.Dialer{Control: func(_, _ string, raw syscall.RawConn) error { return mss.Set(raw, mss.Fallback) }}).Dial("tcp", address)
	var b []byte
	if err == nil {
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(10 * time.Second))
		b, err = io.ReadAll(c)
	}
	if !errors.Is(err, syscall.ECONNRESET) { // a busy machine may see it while it dials
		t.Errorf("the other server got %q, error %v; want no data and a reset", b, err)
	}
	waiting, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer waiting.Close()
	_ = waiting.SetDeadline(time.Now().Add(100 * time.Millisecond))
	if _, err := waiting.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("another client got error %v, want it to wait for the app", err)
	}
}

// On a busy machine the server may take longer than settleTime.
func TestAFallbackWithoutAppThatDoesNotKnowItYetIsSkipped(t *testing.T) {
	address := serveLoopback(t, New(Config{AppWait: time.Minute}), Route{Dial: refusedLate, Fallback: refused})
	if _, err := dialFallback(address, time.Minute)(t.Context()); err != errNoApp {
		t.Errorf("dialing the fallback returned %v, want %v", err, errNoApp)
	}
}

// The kernel announces it, even if the server is busy.
func TestAServerWithoutAppAnnouncesThatToFallbackConnections(t *testing.T) {
	_, addresses := drainingWithoutApps(t, 1)
	c, err := net.Dial("tcp", addresses[0])
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if !hasMark(c.(*net.TCPConn), mss.NoApp) {
		t.Error("a server whose app has exited does not announce it")
	}
	busy := listenLoopback(t)
	if err := mss.Set(pump.RawOf(busy), mss.NoApp); err != nil {
		t.Fatal(err)
	}
	if _, err := DialFallback(busy.Addr().String())(t.Context()); err != errNoApp {
		t.Errorf("dialing the fallback returned %v, want %v", err, errNoApp)
	}
}

// A connection through a fallback may end without a byte, so a client of a server that sends first
// waits a second.
func TestTheFallbackIsDialledWithTheClientsFirstByte(t *testing.T) {
	s := New(Config{})
	dialled := make(chan time.Time, 100)
	fallback := func(context.Context) (Conn, error) {
		dialled <- time.Now()
		return refused(t.Context())
	}
	address := serveLoopback(t, s, Route{Dial: refused, Fallback: fallback})
	for listening := false; !listening; {
		s.mu.Lock()
		listening = len(s.acceptors) > 0
		s.mu.Unlock()
	}
	s.Drain()
	s.AppEnded()
	// On a busy machine the client may leave too late.
	for try, late := 0, true; late && try < 5; try++ {
		arrived, ended := time.Now(), s.Ended()
		silent, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		for s.connections() == 0 && s.Ended() == ended {
			time.Sleep(time.Millisecond)
		}
		_ = silent.Close()
		for s.connections() > 0 {
			time.Sleep(time.Millisecond)
		}
		if late = time.Since(arrived) >= firstByteWait; len(dialled) > 0 && !late {
			t.Error("the fallback was dialed for a client that left without sending")
		}
		for len(dialled) > 0 {
			<-dialled
		}
	}
	begun := time.Now()
	waiting, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer waiting.Close()
	if waited := (<-dialled).Sub(begun); waited < firstByteWait {
		t.Errorf("the fallback was dialed after %v for a silent client, want %v", waited, firstByteWait)
	}
	speaking, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer speaking.Close()
	if _, err := io.WriteString(speaking, "x"); err != nil {
		t.Fatal(err)
	}
	<-dialled
}

// A Service routes back to the pod itself for a moment, and then to another one. The client does
// not notice.
func TestAFallbackIsDialledUntilItHasAnApp(t *testing.T) {
	_, addresses := drainingWithoutApps(t, 1)
	_, other := onLoopback(t, Config{}, serveHTTP(t, echo))
	var dials atomic.Int64
	own, others := DialFallback(addresses[0]), DialFallback(other)
	service := func(ctx context.Context) (Conn, error) {
		if dials.Add(1) <= 3 {
			return own(ctx)
		}
		return others(ctx)
	}
	s := New(Config{AppWait: 5 * time.Second})
	address := serveLoopback(t, s, Route{Dial: refused, Fallback: service})
	s.Drain()
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	answered := make(chan error, 1)
	go func() {
		resp, err := client.Post("http://"+address, "", strings.NewReader("body"))
		if err == nil {
			_ = resp.Body.Close()
		}
		answered <- err
	}()
	for s.connections() == 0 {
		time.Sleep(time.Millisecond)
	}
	s.AppEnded()
	if err := <-answered; err != nil {
		t.Errorf("the request was lost: %v", err)
	}
	if n := dials.Load(); n != 4 {
		t.Errorf("the fallback was dialed %d times, want 4", n)
	}
}

func TestFallbackConnectionsAreServedIfThereIsAnApp(t *testing.T) {
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
		t.Errorf("status %s, want 200", resp.Status)
	}
}

// If a mark were detected where there is none, clients would be refused.
func TestNoOrdinaryConnectionIsMistakenForAFallback(t *testing.T) {
	ln := listenLoopback(t)
	for _, segment := range []int{0, 536, 1186, 1188, 1220, 1460} {
		d := net.Dialer{Control: func(_, _ string, c syscall.RawConn) error {
			return c.Control(func(fd uintptr) {
				if segment > 0 {
					_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_MAXSEG, segment)
				}
			})
		}}
		if arrival := arrivalOf(t, ln, d.Dial); hasMark(arrival, mss.Fallback) {
			t.Errorf("a connection with segments of %d bytes (0: the maximum) is mistaken for one from a fallback", segment)
		}
	}
	dial := func(_, address string) (net.Conn, error) { return DialFallback(address)(t.Context()) }
	if !hasMark(arrivalOf(t, ln, dial), mss.Fallback) {
		t.Error("a connection from a fallback is not recognized")
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

// Its request has been read: there may be no further byte to wait for.
func TestAKeptClientIsServedByTheFallbackAtOnce(t *testing.T) {
	const tries = 5 // the machine may be busy
	took := firstByteWait
	for try := 0; took >= firstByteWait && try < tries; try++ {
		took = responseOfFallback(t)
	}
	if took >= firstByteWait {
		t.Errorf("the response took %v, as long as the wait for a silent client", took)
	}
}

// responseOfFallback returns how long a fallback takes to answer a client whose app has gone.
func responseOfFallback(t *testing.T) time.Duration {
	t.Helper()
	app := &http.Server{Handler: http.HandlerFunc(echo)}
	ln := listenLoopback(t)
	go func() { _ = app.Serve(ln) }()
	t.Cleanup(func() { _ = app.Close() })
	s := New(Config{KeepClient: true})
	other := serveHTTP(t, echo).Addr().String()
	c, err := net.Dial("tcp", serveLoopback(t, s, Route{Dial: DialTCP(ln.Addr().String()), Fallback: DialFallback(other)}))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	exchange := func() {
		t.Helper()
		if _, err := io.WriteString(c, get); err != nil {
			t.Fatal(err)
		}
		if n, err := c.Read(make([]byte, 4<<10)); n == 0 {
			t.Fatalf("the client got no data, error %v; want a response", err)
		}
	}
	exchange()
	s.Drain()
	_ = app.Close()
	for !s.all()[0].current().(*http1Conn).reconnect.isDetached() {
		time.Sleep(time.Millisecond)
	}
	s.AppEnded()
	begun := time.Now()
	exchange()
	return time.Since(begun)
}
