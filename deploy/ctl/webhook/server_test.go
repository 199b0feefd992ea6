package webhook

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/zap"

	"lameduck/deploy/ctl/inject"
	"lameduck/deploy/ctl/webhook/certs"
	"lameduck/deploy/deploytest"
)

// A pipeListener hands out in-memory connections, for which fake time is enough.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once

	dialled atomic.Int64
}

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return newBufferedConn(c), nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error   { l.once.Do(func() { close(l.closed) }); return nil }
func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "unix"} }

func (l *pipeListener) dial(ctx context.Context) (net.Conn, error) {
	l.dialled.Add(1)
	client, server := net.Pipe()
	select {
	case l.conns <- server:
		return newBufferedConn(client), nil
	case <-l.closed:
		return nil, errors.New("connection refused")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// A bufferedConn does not wait for its reader, as sockets do not: both ends of TLS say goodbye at
// the same time.
type bufferedConn struct {
	net.Conn
	written chan []byte
	closed  chan struct{}
	once    sync.Once
}

func newBufferedConn(c net.Conn) *bufferedConn {
	b := &bufferedConn{Conn: c, written: make(chan []byte, 64), closed: make(chan struct{})}
	go b.flush()
	return b
}

// flush passes on what is written, and ends with the connection.
func (b *bufferedConn) flush() {
	defer b.Conn.Close()
	for {
		select {
		case p := <-b.written:
			if _, err := b.Conn.Write(p); err != nil {
				return
			}
			continue
		default:
		}
		select {
		case p := <-b.written:
			if _, err := b.Conn.Write(p); err != nil {
				return
			}
		case <-b.closed:
			if len(b.written) == 0 {
				return
			}
		}
	}
}

func (b *bufferedConn) Write(p []byte) (int, error) {
	select {
	case <-b.closed:
		return 0, net.ErrClosed
	case b.written <- append([]byte{}, p...):
		return len(p), nil
	}
}

// What is written has been taken already.
func (b *bufferedConn) SetWriteDeadline(time.Time) error { return nil }
func (b *bufferedConn) SetDeadline(t time.Time) error    { return b.SetReadDeadline(t) }

func (b *bufferedConn) Close() error {
	b.once.Do(func() {
		close(b.closed)
		_ = b.SetReadDeadline(time.Time{})
		go func() { _, _ = io.Copy(io.Discard, b.Conn) }() // ends when either end has said what it had to
	})
	return nil
}

// validity is that of the certificate in the tests.
const validity = 90 * 24 * time.Hour

// A rig is a server that runs, with a client for each of its ports.
type rig struct {
	t        *testing.T
	server   *Server
	requests *pipeListener
	client   *http.Client // of requests
	admin    *http.Client
	stop     context.CancelFunc // SIGTERM
	ended    chan error
	ca       *x509.Certificate
}

func testConfig(t *testing.T) (Config, *deploytest.Certificate) {
	t.Helper()
	c := deploytest.NewCertificate(t, host, validity)
	cert, key := c.Write(t, t.TempDir())
	return Config{
		Listen: "127.0.0.1:0", Metrics: "127.0.0.1:0", Settings: settings(), Namespace: own, Version: "1.2.3",
		Drain: 10 * time.Second, Files: certs.FilePaths{Cert: cert, Key: key}, Log: zap.NewNop(),
	}, c
}

// runInMemory starts one in a bubble.
func runInMemory(t *testing.T) *rig {
	t.Helper()
	c, certificate := testConfig(t)
	s, err := assemble(c)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, server: s, requests: newPipeListener(), ended: make(chan error, 1), ca: certificate.Leaf}
	admin := newPipeListener()
	s.setListeners(r.requests, admin)
	ctx, stop := context.WithCancel(t.Context())
	r.stop = stop
	go func() { r.ended <- s.Run(ctx) }()
	dial := func(l *pipeListener) func(context.Context, string, string) (net.Conn, error) {
		return func(ctx context.Context, _, _ string) (net.Conn, error) { return l.dial(ctx) }
	}
	r.client = &http.Client{Transport: &http.Transport{DialContext: dial(r.requests), TLSClientConfig: r.trust()}}
	r.admin = &http.Client{Transport: &http.Transport{DialContext: dial(admin), DisableKeepAlives: true}}
	return r
}

func (r *rig) trust() *tls.Config {
	pool := x509.NewCertPool()
	pool.AddCert(r.ca)
	return &tls.Config{RootCAs: pool, ServerName: host}
}

func (r *rig) end() {
	r.t.Helper()
	r.stop()
	if err := <-r.ended; err != nil {
		r.t.Errorf("the server ends with %v", err)
	}
	r.client.CloseIdleConnections()
}

// ask sends a review and returns whether the answer closes the connection.
func (r *rig) ask() (closes bool, err error) {
	answer, err := r.client.Post("https://"+host+"/mutate?timeout=2s", "application/json", strings.NewReader(question{}.String()))
	if err != nil {
		return false, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return false, err
	}
	if allowed(r.t, text).Patch == nil {
		return false, fmt.Errorf("there is no patch: %s", text)
	}
	return answer.Close, nil
}

func (r *rig) get(path string) (int, string) {
	r.t.Helper()
	answer, err := r.admin.Get("http://admin" + path)
	if err != nil {
		r.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	return answer.StatusCode, string(text)
}

func TestItServesReviewsProbesAndMetrics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := runInMemory(t)
		if closes, err := r.ask(); err != nil || closes {
			t.Errorf("closes %v, error %v", closes, err)
		}
		for _, path := range []string{"/livez", "/readyz"} {
			if code, text := r.get(path); code != http.StatusOK {
				t.Errorf("%s: HTTP %d: %s", path, code, text)
			}
		}
		_, text := r.get("/metrics")
		for _, want := range []string{
			`lameduck_webhook_requests_total{result="injected"} 1`, `lameduck_webhook_requests_total{result="overload"} 0`, "lameduck_webhook_duration_seconds_count 1",
			"lameduck_webhook_in_flight_requests 0", "lameduck_webhook_certificate_expiry_timestamp_seconds 9.5", "go_goroutines", "lameduck_webhook_refused_connections_total 0",
		} {
			if !strings.Contains(text, want) {
				t.Errorf("there is no %s in the metrics", want)
			}
		}
		if strings.Contains(text, "ca_bundle_synced") {
			t.Error("the bundle is spoken of, although it is others' to write")
		}
		r.end()
	})
}

func TestIdleConnectionsStayForLongerThanTheAPIServerKeepsThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := runInMemory(t)
		for range 3 {
			if _, err := r.ask(); err != nil {
				t.Error(err)
			}
			time.Sleep(90 * time.Second)
		}
		if n := r.requests.dialled.Load(); n != 1 {
			t.Errorf("there have been %d connections", n)
		}
		r.end()
	})
}

func TestAfterSIGTERMItServesUntilItIsQuiet(t *testing.T) {
	for name, tt := range map[string]struct {
		traffic, least, most time.Duration // after SIGTERM
	}{
		"no traffic":                {0, 10 * time.Second, 10 * time.Second},
		"traffic for 5 s":           {5 * time.Second, 10 * time.Second, 10 * time.Second},
		"traffic for 15 s":          {15 * time.Second, 16 * time.Second, 17 * time.Second},
		"traffic that does not end": {time.Minute, 20 * time.Second, 21 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := runInMemory(t)
				if _, err := r.ask(); err != nil { // leaves an idle connection
					t.Fatal(err)
				}
				began := time.Now()
				r.stop()
				synctest.Wait()
				if code, _ := r.get("/readyz"); code != http.StatusServiceUnavailable {
					t.Errorf("/readyz: HTTP %d", code)
				}
				if code, _ := r.get("/livez"); code != http.StatusOK {
					t.Errorf("/livez: HTTP %d", code)
				}
				for time.Since(began) < min(tt.traffic, tt.least-time.Second) {
					if closes, err := r.ask(); err != nil || !closes {
						t.Fatalf("after %s: closes %v, error %v", time.Since(began), closes, err)
					}
					time.Sleep(100 * time.Millisecond)
				}
				go func() {
					for time.Since(began) < min(tt.traffic, time.Minute) {
						if _, err := r.ask(); err != nil {
							return
						}
						time.Sleep(100 * time.Millisecond)
					}
				}()
				err := <-r.ended
				if d := time.Since(began); err != nil || d < tt.least || d > tt.most {
					t.Errorf("it ends after %s, error %v", d, err)
				}
				r.client.CloseIdleConnections()
				time.Sleep(time.Minute)
			})
		})
	}
}

func TestASlowClientIsDisconnected(t *testing.T) {
	const head = "POST /mutate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
	for name, tt := range map[string]struct {
		secured bool
		sends   string
		within  time.Duration
	}{
		"says nothing":                {false, "", 5 * time.Second},
		"says nothing in TLS":         {true, "", 5 * time.Second},
		"ends within the head":        {true, head, 5 * time.Second},
		"ends within the body":        {true, head + "Content-Length: 8000000\r\n\r\n{", 10 * time.Second},
		"sends chunks without an end": {true, head + "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n", 10 * time.Second},
		"has asked and says no more":  {true, head + "Content-Length: 2\r\n\r\n{}", time.Second},
		"does not read the answer":    {true, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 2 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := runInMemory(t)
				c, err := r.requests.dial(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if tt.secured {
					c = tls.Client(c, r.trust())
				}
				began := time.Now()
				if _, err := io.WriteString(c, tt.sends); err != nil {
					t.Fatal(err)
				}
				if _, err := io.Copy(io.Discard, c); err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrClosedPipe) {
					t.Log(err)
				}
				if d := time.Since(began); d > tt.within+time.Second {
					t.Errorf("it is disconnected after %s, want %s", d, tt.within)
				}
				c.Close()
				if _, err := r.ask(); err != nil {
					t.Errorf("another client: %v", err)
				}
				if left := r.server.handler.budget.left.Load(); left != maxBodies {
					t.Errorf("%d bytes are not given back", maxBodies-left)
				}
				r.end()
			})
		})
	}
}

func TestTooManyConnectionsAreClosedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pipes := newPipeListener()
		m := newMetrics(prometheus.NewRegistry())
		l := &limited{Listener: pipes, max: 2, refused: m.refusedConnections}
		accepted := make(chan net.Conn, 3)
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				accepted <- c
			}
		}()
		var dialled []net.Conn
		dial := func() net.Conn {
			c, err := pipes.dial(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			dialled = append(dialled, c)
			return c
		}
		dial()
		dial()
		if _, err := dial().Read(make([]byte, 1)); err == nil {
			t.Error("the third one is served")
		}
		if n := testutil.ToFloat64(m.refusedConnections); n != 1 {
			t.Errorf("%v are counted", n)
		}
		first := <-accepted
		first.Close()
		first.Close() // which makes room for one, and no more
		dial()
		dial()
		synctest.Wait()
		if len(accepted) != 2 {
			t.Errorf("%d are served, want the second one and the one after the end of the first", len(accepted))
		}
		pipes.Close()
		for _, c := range dialled {
			c.Close()
		}
		for len(accepted) > 0 {
			(<-accepted).Close()
		}
	})
}

func TestAnExpiredCertificateIsNotReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := testConfig(t)
		s, err := assemble(c)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(validity)
		if err := s.ready(); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Second)
		if err := s.ready(); err == nil || !strings.Contains(err.Error(), "expired") {
			t.Errorf("the error is %v", err)
		}
	})
}

func TestNewReportsEveryErrorAtOnce(t *testing.T) {
	c, _ := testConfig(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for name, spoil := range map[string]func(*Config){
		"no file":           func(c *Config) { c.Files.Cert = "/nowhere" },
		"a key for another": func(c *Config) { c.Files.Key = c.Files.Cert },
		"a taken address":   func(c *Config) { c.Listen = taken.Addr().String() },
		"another one":       func(c *Config) { c.Metrics = taken.Addr().String() },
	} {
		bad := c
		spoil(&bad)
		if _, err := New(bad); err == nil {
			t.Errorf("%s: there is no error", name)
		}
	}
}

// TestOverLoopbackWithTLS also sends 100 MB, of which the answer does not wait for the end.
func TestOverLoopbackWithTLS(t *testing.T) {
	c, certificate := testConfig(t)
	c.Drain = 0
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	r := &rig{t: t, server: s, stop: stop, ended: make(chan error, 1), ca: certificate.Leaf}
	go func() { r.ended <- s.Run(ctx) }()
	transport := &http.Transport{TLSClientConfig: r.trust(), ForceAttemptHTTP2: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", s.requests.Addr().String())
	}}
	r.client = &http.Client{Transport: transport}
	if _, err := r.ask(); err != nil {
		t.Fatal(err)
	}
	for range 2 { // of known length, and of unknown
		if answer, err := r.client.Post("https://"+host+"/mutate", "application/json", &spaces{100 << 20}); err == nil {
			if answer.StatusCode != http.StatusRequestEntityTooLarge || answer.ProtoMajor != 1 {
				t.Errorf("HTTP/%d %d", answer.ProtoMajor, answer.StatusCode)
			}
			answer.Body.Close()
		}
	}
	if _, err := r.ask(); err != nil {
		t.Error(err)
	}
	conn, err := tls.Dial("tcp", s.requests.Addr().String(), r.trust())
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "POST /mutate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", 100<<20)
	if answer, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil || answer.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("a declared length: %v, error %v", answer, err)
	}
	conn.Close()
	r.end()
}

func TestTheShapeFollowsFromTheClustersVersion(t *testing.T) {
	for said, want := range map[string]inject.Shape{
		"v1.28.15": inject.Plain, "v1.29.0": inject.Native, "v1.29.3-gke.1200": inject.Native, "v1.34.4": inject.Native, "v1.28.15+k3s1": inject.Plain, "v2.0.0": inject.Native,
	} {
		synctest.Test(t, func(t *testing.T) {
			i := newInjector(own, nil, "1", zap.NewNop())
			s := settings()
			s.Shape = ""
			asked := 0
			ask := func(context.Context) (string, error) {
				asked++
				switch asked {
				case 1:
					return "", errDown
				case 2:
					return "unknown", nil
				}
				return said, nil
			}
			chooseShape(t.Context(), ask, i, s, zap.NewNop())
			if got := i.settings.Load(); got == nil || got.Shape != want || got.Kubernetes != said {
				t.Errorf("%s: %+v", said, got)
			}
			if asked != 3 {
				t.Errorf("asked %d times", asked)
			}
		})
	}
}

func TestItIsNotReadyBeforeItKnowsTheShape(t *testing.T) {
	c, _ := testConfig(t)
	c.Settings.Shape = ""
	s, err := assemble(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.ready(); err == nil || !strings.Contains(err.Error(), "version") {
		t.Errorf("the error is %v", err)
	}
}
