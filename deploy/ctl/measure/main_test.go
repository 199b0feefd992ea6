package measure

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// appVariable makes this test binary serve as an app. Its value is the address.
const appVariable = "MEASURE_TEST_APP"

func TestMain(m *testing.M) {
	if addr := os.Getenv(appVariable); addr != "" {
		serveApp(addr)
	}
	goleak.VerifyTestMain(m)
}

// config returns the configuration of a fast load on a URL.
func config(t *testing.T, target string, requests int) Config {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	return Config{
		URL: u, Post: &Post{URL: u, Body: []byte("order")}, Rate: 500, MaxRequests: requests,
		Timeout: 10 * time.Second, Connections: 2, Expect: Statuses{{200, 299}},
		Protocols: []Protocol{HTTP1},
	}
}

// run measures until the limit of the configuration and returns the report.
func run(t *testing.T, cfg Config) *Report {
	t.Helper()
	m, err := New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	r, err := m.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return m.Report(r, "time")
}

// unencrypted are HTTP/1.1 and HTTP/2, both without TLS.
func unencrypted() *http.Protocols {
	p := new(http.Protocols)
	p.SetHTTP1(true)
	p.SetUnencryptedHTTP2(true)
	return p
}

// serve returns the URL of a server of HTTP/1.1 and HTTP/2 without TLS.
func serve(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewUnstartedServer(handler)
	s.Config.Protocols = unencrypted()
	s.Config.ErrorLog = quiet
	s.Start()
	t.Cleanup(s.Close)
	return s.URL
}

// serveHTTP1 returns the URL of a server of HTTP/1.1.
func serveHTTP1(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return s.URL
}

// A peer handles a connection of a scripted server, usually after a request has been read.
type peer func(c *net.TCPConn)

func answer(raw string) peer { return func(c *net.TCPConn) { c.Write([]byte(raw)) } }

func reset(c *net.TCPConn) { c.SetLinger(0) }

func silent(c *net.TCPConn) { io.Copy(io.Discard, c) } // until the client gives up

// script returns the address of a server whose n-th connection is treated by the n-th peer, and
// later ones by the last.
func script(t *testing.T, peers ...peer) string {
	t.Helper()
	var reading []peer
	for _, p := range peers {
		reading = append(reading, func(c *net.TCPConn) { c.Read(make([]byte, 4096)); p(c) })
	}
	return accept(t, reading...)
}

// accept is like script for peers that read the request themselves.
func accept(t *testing.T, peers ...peer) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 0; ; i++ {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer c.Close()
				peers[min(i, len(peers)-1)](c.(*net.TCPConn))
			})
		}
	})
	t.Cleanup(func() { l.Close(); wg.Wait() })
	return l.Addr().String()
}

// book returns an address book with one address.
func book(addr string) *addressBook { return &addressBook{current: []string{addr}} }

// once makes one request of a lane without a probe.
func once(cfg Config, addr string, l Lane) error {
	c := newClient(cfg, book(addr))
	c.use([]Lane{l})
	defer c.close()
	_, err := c.exchange(context.Background(), l)
	return err
}

// contextUntil returns a context for a load during which an app is killed, and started again by
// restart. It is done when requests are answered again.
func contextUntil(t *testing.T, m *Measurement, app *exec.Cmd, restart func()) (context.Context, func()) {
	ctx, stop := context.WithCancel(t.Context())
	ended := func(requests int) {
		for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
			if n, _ := m.Counts(); n >= requests {
				return
			}
			time.Sleep(5 * time.Millisecond)
		}
		t.Errorf("there were fewer than %d requests in 20 s", requests)
	}
	go func() {
		ended(150)
		app.Process.Kill()
		n, _ := m.Counts()
		ended(n + 100)
		restart()
		n, _ = m.Counts()
		ended(n + 100)
		stop()
	}()
	return ctx, stop
}
