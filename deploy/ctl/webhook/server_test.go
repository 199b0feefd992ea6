package webhook

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

func TestTheServerServesReviewsProbesAndMetrics(t *testing.T) {
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
			`lameduck_webhook_requests_total{result="injected"} 1`,
			`lameduck_webhook_requests_total{result="overload"} 0`,
			"lameduck_webhook_duration_seconds_count 1",
			"lameduck_webhook_in_flight_requests " +
				"0", "lameduck_webhook_certificate_expiry_timestamp_seconds 9.5", "go_goroutines",
			"lameduck_webhook_refused_connections_total 0",
		} {
			if !strings.Contains(text, want) {
				t.Errorf("no %s in the metrics", want)
			}
		}
		if strings.Contains(text, "ca_bundle_synced") {
			t.Error("found a metric of a bundle that the webhook does not write")
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

func TestAfterSIGTERMTheServerServesUntilRequestsStop(t *testing.T) {
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
					t.Errorf("exit after %s, error %v", d, err)
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
		"sends nothing":        {false, "", 5 * time.Second},
		"sends nothing in TLS": {true, "", 5 * time.Second},
		"ends within the head": {true, head, 5 * time.Second},
		"ends within the body": {true, head + "Content-Length: 8000000\r\n\r\n{", 10 * time.Second},
		"sends chunks without an end": {
			true, head + "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n", 10 * time.Second,
		},
		"is idle after a request":  {true, head + "Content-Length: 2\r\n\r\n{}", time.Second},
		"does not read the answer": {true, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 2 * time.Minute},
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
				_, err = io.Copy(io.Discard, c)
				if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrClosedPipe) {
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
		first.Close() // frees one place, not two
		dial()
		dial()
		synctest.Wait()
		if len(accepted) != 2 {
			t.Errorf("%d are served, want the second one and the one after the end of the first",
				len(accepted))
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
			t.Errorf("error %v", err)
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
			t.Errorf("%s: no error, want one", name)
		}
	}
}

// TestOverLoopbackWithTLS also sends bodies of 100 MB, which are answered before their end.
func TestOverLoopbackWithTLS(t *testing.T) {
	c, certificate := testConfig(t)
	c.Drain = 0
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	r := &testServer{t: t, server: s, stop: stop, ended: make(chan error, 1), ca: certificate.Leaf}
	go func() { r.ended <- s.Run(ctx) }()
	transport := &http.Transport{TLSClientConfig: r.trust(), ForceAttemptHTTP2: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", s.requests.Addr().String())
		}}
	r.client = &http.Client{Transport: transport}
	if _, err := r.ask(); err != nil {
		t.Fatal(err)
	}
	for range 2 { // with and without a declared length
		if answer, err := r.client.Post("https://"+host+"/mutate", "application/json",
			&spaces{100 << 20}); err == nil {
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
	fmt.Fprintf(conn, "POST /mutate HTTP/1.1\r\nHost: x\r\nContent-Type: "+
		"application/json\r\nContent-Length: %d\r\n\r\n", 100<<20)
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || answer.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("a declared length: %v, error %v", answer, err)
	}
	conn.Close()
	r.end()
}
