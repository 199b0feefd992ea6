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
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// onLoopback runs a server on real sockets in front of app until the test ends.
func onLoopback(t testing.TB, config Config, app net.Listener) (s *Server, address string) {
	t.Helper()
	ln, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s = New(config)
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln, DialTCP(app.Addr().String())) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		s.Close(ctx)
		if err := <-served; err != ErrServerClosed {
			t.Errorf("Serve returned %v, want ErrServerClosed", err)
		}
	})
	return s, ln.Addr().String()
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
	body, err := io.ReadAll(r.Body) // net/http does not read on once it writes
	if err != nil {
		return
	}
	if r.URL.Query().Has("length") {
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
	}
	_, _ = w.Write(body)
}

// Bodies of every size and framing pass unchanged, those that go from kernel to kernel too.
func TestI1LargeBodiesPassUnchanged(t *testing.T) {
	_, address := onLoopback(t, Config{}, serveHTTP(t, echo))
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	random := rand.NewChaCha8([32]byte{})
	for _, size := range []int{0, 1, bufferSize - 1, bufferSize, bufferSize + 1, spliceFrom - 1, spliceFrom, spliceFrom + 1, 1 << 20, 9 << 20} {
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
					t.Errorf("%d bytes come back, error %v; want the %d that were sent", len(got), err, size)
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
		t.Errorf("%d bytes come back through the tunnel, error %v; want %d", len(tunnelled), err, len(sent))
	}
	<-done
}

// A connection that waits costs its goroutines and a few hundred bytes. A buffer held for it would show as 16 KiB more.
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
	if each > bufferSize {
		t.Errorf("an idle connection costs %d bytes: a buffer is held", each)
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

// churned is how many connections TestChurn opens.
const churned = 50_000

// TestChurn opens, uses and closes connections at random while servers drain, cut and close under them, and then looks
// for what is left: goroutines (goleak, in TestMain), descriptors, exchanges in flight, bytes.
func TestChurn(t *testing.T) {
	app := serveHTTP(t, echo)
	connections := churned
	if testing.Short() {
		connections /= 50
	}
	descriptors := openDescriptors(t)
	const perDrain = 2500
	for round := 0; round*perDrain < connections; round++ {
		churnOnce(t, app, uint64(round), min(perDrain, connections))
	}
	http.DefaultClient.CloseIdleConnections()
	if !eventually(func() bool { return openDescriptors(t) <= descriptors }) {
		t.Errorf("%d descriptors are open, %d were before", openDescriptors(t), descriptors)
	}
}

// churnOnce drains one server in the middle of some connections' lives.
func churnOnce(t *testing.T, app net.Listener, round uint64, connections int) {
	ln, err := Listen(fmt.Sprintf("127.0.%d.1:0", 1+round%200)) // its own address: the ports of the last round rest
	if err != nil {
		t.Fatal(err)
	}
	s := New(Config{AppWait: time.Second, MaxConnections: 200})
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = s.Serve(ln, DialTCP(app.Addr().String()))
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

// useAtRandom opens a connection, and leaves it at some point of some exchange.
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

// eventually waits, for ten seconds at most, for what another goroutine or the kernel brings about.
func eventually(holds func() bool) bool {
	for deadline := time.Now().Add(10 * time.Second); !holds(); runtime.Gosched() {
		if time.Now().After(deadline) {
			return false
		}
	}
	return true
}
