package proxy

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"lameduck/proxy/pump"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// onLoopback runs a server on real sockets in front of app until the test ends.
func onLoopback(t testing.TB, config Config, app net.Listener) (s *Server, address string) {
	t.Helper()
	s = New(config)
	return s, serveLoopback(t, s, Route{Dial: DialTCP(app.Addr().String())})
}

// serveLoopback serves a route on real sockets until the test ends.
func serveLoopback(t testing.TB, s *Server, to Route) (address string) {
	t.Helper()
	ln, err := Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serveListener(t, s, ln, to)
	return ln.Addr().String()
}

func serveListener(t testing.TB, s *Server, ln net.Listener, to Route) {
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln, to) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		s.Close(ctx)
		if err := <-served; err != ErrServerClosed {
			t.Errorf("Serve returned %v, want ErrServerClosed", err)
		}
	})
}

func listenLoopback(t testing.TB) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	return ln
}

// serveHTTP runs h as the app.
func serveHTTP(t testing.TB, h http.HandlerFunc) net.Listener {
	t.Helper()
	ln := listenLoopback(t)
	s := &http.Server{Handler: h}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = s.Serve(ln)
	}()
	t.Cleanup(func() {
		_ = s.Close()
		<-served
	})
	return ln
}

func echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body) // net/http stops reading once it writes
	if err != nil {
		return
	}
	if r.URL.Query().Has("length") {
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
	}
	_, _ = w.Write(body)
}

// Bodies of every size and framing are relayed unchanged, also those that are spliced in the
// kernel.
func TestI1LargeBodiesPassUnchanged(t *testing.T) {
	_, address := onLoopback(t, Config{}, serveHTTP(t, echo))
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	random := rand.NewChaCha8([32]byte{})
	for _, size := range []int{0, 1, pump.BufferSize - 1, pump.BufferSize, pump.BufferSize + 1, 32<<10 - 1, 32 << 10, 32<<10 + 1, 1 << 20, 9 << 20} {
		for _, path := range []string{"/", "/?length"} {
			t.Run(fmt.Sprintf("%d bytes %s", size, path), func(t *testing.T) {
				body := make([]byte, size)
				_, _ = random.Read(body)
				resp, err := client.Post("http://"+address+path, "", bytes.NewReader(body))
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				got, err := io.ReadAll(resp.Body)
				if err != nil || !bytes.Equal(got, body) {
					t.Errorf("%d bytes came back, error %v; want the %d that were sent", len(got), err, size)
				}
			})
		}
	}
}

func TestI1AManyMegabyteTunnelPassesUnchanged(t *testing.T) {
	const upgrade = "GET / HTTP/1.1\r\nUpgrade: x\r\n\r\n"
	app := listenLoopback(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		c, err := app.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		b := make([]byte, len(upgrade))
		_, _ = io.ReadFull(c, b)
		_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\n\r\n")
		_, _ = io.Copy(c, c)
	}()
	_, address := onLoopback(t, Config{}, app)
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = io.WriteString(c, upgrade)
	sent := make([]byte, 16<<20)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(sent)
	go func() {
		_, _ = c.Write(sent)
		_ = c.(*net.TCPConn).CloseWrite()
	}()
	got, err := io.ReadAll(c)
	_, tunnelled, _ := bytes.Cut(got, []byte("\r\n\r\n"))
	if err != nil || !bytes.Equal(tunnelled, sent) {
		t.Errorf("%d bytes came back through the tunnel, error %v; want %d", len(tunnelled), err, len(sent))
	}
	<-done
}

// An idle connection takes its goroutines and a few hundred bytes. A buffer that it holds would add
// 16 KiB.
func TestI10AConnectionThatWaitsHoldsNoBuffer(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes stacks larger and lets pools forget")
	}
	const connections = 300
	app := listenLoopback(t)
	go answerAll(app)
	_, address := onLoopback(t, Config{}, app)
	before := memoryInUse()
	var clients []net.Conn
	for range connections {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		for range 3 {
			_, _ = io.WriteString(c, get)
			if _, err := c.Read(make([]byte, 4096)); err != nil {
				t.Fatal(err)
			}
		}
		clients = append(clients, c)
	}
	each := (memoryInUse() - before) / connections
	t.Logf("%d bytes per idle connection, the app's and the client's sides included", each)
	if each > pump.BufferSize {
		t.Errorf("an idle connection takes %d bytes: it holds a buffer", each)
	}
	runtime.KeepAlive(clients)
}

func memoryInUse() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}

func TestAnExchangeAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector lets pools forget")
	}
	app := listenLoopback(t)
	go answerAll(app)
	_, address := onLoopback(t, Config{ProbeAgents: DefaultProbeAgents}, app)
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	b := make([]byte, 4096)
	request := []byte("GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: test\r\n\r\n")
	relay := func() {
		_, _ = c.Write(request)
		if _, err := c.Read(b); err != nil {
			t.Fatal(err)
		}
	}
	if n := testing.AllocsPerRun(500, relay); n > 0 {
		t.Errorf("an exchange allocates %v times, want 0", n)
	}
}

// answerAll answers every read with a small response.
func answerAll(ln net.Listener) {
	for {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			b, response := make([]byte, 256), []byte(ok)
			for {
				if _, err := c.Read(b); err != nil {
					return
				}
				if _, err := c.Write(response); err != nil {
					return
				}
			}
		}()
	}
}

// TestChurn opens, uses and closes connections at random while their servers drain, cut and close.
// Then it looks for leaks: goroutines (goleak, in TestMain), descriptors, exchanges in flight,
// bytes. It opens ten times as many connections if TEST_LONG is set.
func TestChurn(t *testing.T) {
	app := serveHTTP(t, echo)
	connections := 5_000
	switch {
	case os.Getenv("TEST_LONG") != "":
		connections = 50_000
	case testing.Short():
		connections = 1_000
	}
	descriptors := openDescriptors(t)
	const perDrain = 2500
	for round := 0; round*perDrain < connections; round++ {
		churnOnce(t, app, uint64(round), min(perDrain, connections))
	}
	http.DefaultClient.CloseIdleConnections()
	if !eventually(func() bool { return openDescriptors(t) <= descriptors }) {
		t.Errorf("%d descriptors are open, want %d as before", openDescriptors(t), descriptors)
	}
}

// churnOnce drains one server while connections are in use.
func churnOnce(t *testing.T, app net.Listener, round uint64, connections int) {
	ln, err := Listen("tcp", fmt.Sprintf("127.0.%d.1:0", 1+round%200)) // an address of its own, as ports of the last round are in TIME_WAIT
	if err != nil {
		t.Fatal(err)
	}
	s := New(Config{AppWait: time.Second, MaxConnections: 200})
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = s.Serve(ln, Route{Dial: DialTCP(app.Addr().String())})
	}()
	var opened atomic.Int64
	var users sync.WaitGroup
	for worker := range 16 {
		users.Go(func() {
			random := rand.New(rand.NewPCG(round, uint64(worker)))
			for opened.Add(1) <= int64(connections) {
				useAtRandom(ln.Addr().String(), random)
				if opened.Load() == int64(connections/2) {
					s.Drain()
				}
			}
		})
	}
	users.Wait()
	if round%2 == 0 {
		s.CloseIdle()
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	s.Close(ctx)
	<-served
	if n := s.stats.inFlight.Load(); n != 0 || s.connections() != 0 {
		t.Errorf("%d exchanges in flight and %d connections are left", n, s.connections())
	}
	if moved := s.stats.requestBytes.Load(); moved == 0 {
		t.Error("no byte was relayed")
	}
}

// useAtRandom opens a connection, and closes it at a random point of a random exchange.
func useAtRandom(address string, random *rand.Rand) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	body := strings.Repeat("x", random.IntN(3000))
	post := fmt.Sprintf("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	b := make([]byte, 4096)
	for range random.IntN(3) {
		_, _ = io.WriteString(c, post)
		_, _ = c.Read(b)
	}
	switch random.IntN(6) {
	case 0:
		_ = c.(*net.TCPConn).SetLinger(0)
	case 1:
		_ = c.(*net.TCPConn).CloseWrite()
		_, _ = io.Copy(io.Discard, c)
	case 2:
		_, _ = io.WriteString(c, post[:random.IntN(len(post))])
	case 3:
		_, _ = io.WriteString(c, post)
	case 4:
		_, _ = io.WriteString(c, post+post+"BAD\r\n\r\n")
		_, _ = io.Copy(io.Discard, c)
	}
}

func openDescriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("needs /proc: ", err)
	}
	return len(entries)
}

// eventually waits for a condition, for at most ten seconds.
func eventually(holds func() bool) bool {
	for deadline := time.Now().Add(10 * time.Second); !holds(); runtime.Gosched() {
		if time.Now().After(deadline) {
			return false
		}
	}
	return true
}

// If a chunk line is split between two segments, the incomplete size must not count as content:
// large chunks are spliced in the kernel.
func TestI1ALargeChunkWhoseLineIsCutPassesUnchanged(t *testing.T) {
	const head = "Transfer-Encoding: chunked\r\n\r\n"
	chunk := strings.Repeat("x", 1<<20)
	pieces := []string{"1000", "00\r", "\n" + chunk[:5], chunk[5:] + "\r", "\n0\r\n\r\n"}
	app := listenLoopback(t)
	_, address := onLoopback(t, Config{}, app)
	client, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	server, err := app.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	passesInPieces(t, client, server, append([]string{"POST / HTTP/1.1\r\n" + head}, pieces...))
	passesInPieces(t, server, client, append([]string{"HTTP/1.1 200 OK\r\n" + head}, pieces...))
	passesInPieces(t, client, server, []string{get}) // both directions still know where messages begin
}

// passesInPieces sends each piece once the one before it has arrived on the other side, unchanged.
func passesInPieces(t *testing.T, from, to net.Conn, pieces []string) {
	t.Helper()
	for _, p := range pieces {
		go func() { _, _ = io.WriteString(from, p) }()
		got := make([]byte, len(p))
		_ = to.SetReadDeadline(time.Now().Add(10 * time.Second))
		if _, err := io.ReadFull(to, got); err != nil || string(got) != p {
			t.Fatalf("of a piece of %d bytes beginning with %.20q, %.20q arrived, error %v", len(p), p, got, err)
		}
	}
}

func TestParkedConnections(t *testing.T) {
	const connections = 20
	tests := map[string]func(t *testing.T, s *Server, client, app net.Conn){
		"are served when the client sends": func(t *testing.T, _ *Server, client, app net.Conn) {
			for range 2 {
				passesInPieces(t, client, app, []string{get})
				passesInPieces(t, app, client, []string{ok})
			}
		},
		"take a head in pieces": func(t *testing.T, _ *Server, client, app net.Conn) {
			_, _ = io.WriteString(client, get[:3])
			_, _ = io.WriteString(client, get[3:])
			passesInPieces(t, client, app, []string{""})
			b := make([]byte, len(get))
			if _, err := io.ReadFull(app, b); err != nil || string(b) != get {
				t.Errorf("the app got %q, error %v", b, err)
			}
			passesInPieces(t, app, client, []string{ok})
		},
		"end when the client closes": func(t *testing.T, _ *Server, client, app net.Conn) {
			_ = client.Close()
			wantsEOF(t, app)
		},
		"end when the app closes": func(t *testing.T, _ *Server, client, app net.Conn) {
			_ = app.Close()
			wantsEOF(t, client)
		},
		"pass on what the app says unasked": func(t *testing.T, _ *Server, client, app net.Conn) {
			passesInPieces(t, app, client, []string{"HTTP/1.1 408 Request Timeout\r\n\r\n"})
		},
		"tell their client to leave": func(t *testing.T, s *Server, client, app net.Conn) {
			s.Drain()
			passesInPieces(t, client, app, []string{get})
			_, _ = io.WriteString(app, ok)
			b := make([]byte, len(okClose))
			if _, err := io.ReadFull(client, b); err != nil || string(b) != okClose {
				t.Errorf("the client got %q, error %v; want the close option", b, err)
			}
			wantsEOF(t, client)
		},
		"end with CloseIdle": func(t *testing.T, s *Server, client, app net.Conn) {
			s.CloseIdle()
			wantsEOF(t, client)
			wantsEOF(t, app)
			if !eventually(func() bool { return s.connections() == 0 }) {
				t.Error("connections whose peers do not close are left open")
			}
		},
		"end with Cut": func(t *testing.T, s *Server, client, app net.Conn) {
			s.Cut()
			wantsEOF(t, client)
			wantsEOF(t, app)
		},
		"are woken by a sweep that they miss": func(t *testing.T, s *Server, client, app net.Conn) {
			var users sync.WaitGroup
			for range 200 { // park and wake at the same time
				users.Go(s.sweep)
				passesInPieces(t, client, app, []string{get})
				users.Go(s.sweep)
				passesInPieces(t, app, client, []string{ok})
			}
			users.Wait()
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			app := listenLoopback(t)
			s, address := onLoopback(t, Config{}, app)
			var clients, apps [connections]net.Conn
			for i := range connections {
				clients[i], apps[i] = connected(t, address, app)
				passesInPieces(t, clients[i], apps[i], []string{get})
				passesInPieces(t, apps[i], clients[i], []string{ok})
			}
			if !eventually(func() bool { s.sweep(); return s.parker.parkedConns() == connections }) {
				t.Fatalf("%d connections are parked, want %d", s.parker.parkedConns(), connections)
			}
			test(t, s, clients[3], apps[3])
		})
	}
}

// connectedByTCP opens a connection through a new server. The app has spoken first, so it is TCP.
func connectedByTCP(t *testing.T) (s *Server, client, app net.Conn) {
	t.Helper()
	ln := listenLoopback(t)
	s, address := onLoopback(t, Config{}, ln)
	client, app = connected(t, address, ln)
	passesInPieces(t, app, client, []string{"hello"})
	return s, client, app
}

// connected opens a connection through the server to app.
func connected(t *testing.T, address string, app net.Listener) (client, server net.Conn) {
	t.Helper()
	client, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	server, err = app.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	return client, server
}

func wantsEOF(t *testing.T, c net.Conn) {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.ReadAll(c); err != nil {
		t.Errorf("the connection ended with %v, want a clean close", err)
	}
}

func TestAConnectionOnWhichAHeadArrivesIsNotParked(t *testing.T) {
	app := listenLoopback(t)
	s, address := onLoopback(t, Config{}, app)
	client, server := connected(t, address, app)
	_, _ = io.WriteString(client, get[:5])
	arrives := func() bool {
		conns := s.all()
		return len(conns) == 1 && conns[0].progress() == arriving
	}
	if !eventually(arrives) {
		t.Fatal("the head did not arrive")
	}
	for range 5 {
		s.sweep()
	}
	_ = client.SetReadDeadline(time.Now().Add(50 * time.Millisecond)) // long enough for an answer that must not come
	if n, err := client.Read(make([]byte, 1)); !isTimeout(err) {
		t.Fatalf("%d bytes arrived, error %v; want none", n, err)
	}
	_, _ = io.WriteString(client, get[5:])
	b := make([]byte, len(get))
	if _, err := io.ReadFull(server, b); err != nil || string(b) != get {
		t.Errorf("the app got %q, error %v; want the request", b, err)
	}
}

func TestAConnectionOnWhichAProxyHeaderArrivesIsNotParked(t *testing.T) {
	for name, header := range map[string]string{"version 1": "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n", "version 2": proxyV2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := listenLoopback(t)
			s := New(Config{})
			address := serveLoopback(t, s, Route{Dial: DialTCP(app.Addr().String()), Proxied: true})
			client, server := connected(t, address, app)
			passesInPieces(t, client, server, []string{header[:20]})
			for range 5 {
				s.sweep()
			}
			passesInPieces(t, client, server, []string{header[20:], get})
			if got := only(s).speaks(); got != http1 {
				t.Errorf("protocol %v, want http1", got)
			}
		})
	}
}

func TestAConnectionThatIsInUseIsNotParked(t *testing.T) {
	app := listenLoopback(t)
	s, address := onLoopback(t, Config{}, app)
	client, server := connected(t, address, app)
	passesInPieces(t, client, server, []string{get})
	for range 5 {
		s.sweep() // in the middle of an exchange
	}
	passesInPieces(t, server, client, []string{ok})
	if n := s.parker.parkedConns(); n != 0 {
		t.Errorf("%d connections are parked", n)
	}
}
