package proxy

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"

	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	reference "golang.org/x/net/http2"

	"lameduck/proxy/h2"
	"lameduck/proxy/tlsterm"
)

// certificate is self-signed.
var certificate = sync.OnceValue(func() tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(100 * 365 * 24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		panic(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
})

func serverTLS() *tls.Config { return &tls.Config{Certificates: []tls.Certificate{certificate()}} }

// overTLS is inBubble for a route that terminates TLS.
func overTLS(t *testing.T, route Route, config Config, test func(*rig)) {
	t.Helper()
	route.TLS = serverTLS()
	through(t, route, config, test)
}

// A tlsPeer is a client or an app that speaks TLS.
type tlsPeer struct {
	*tlsterm.Conn
	t *testing.T
	r *bufio.Reader
}

// secureClient completes a TLS handshake as a client that offers protocols.
func (r *rig) secureClient(protocols ...string) *tlsPeer {
	r.t.Helper()
	c := secureClient(r.t, r.client("192.0.2.10").conn, &tls.Config{NextProtos: protocols})
	if err := c.Handshake(); err != nil {
		r.t.Fatalf("handshake: %v", err)
	}
	return c
}

func secureClient(t *testing.T, raw Conn, config *tls.Config) *tlsPeer {
	config.InsecureSkipVerify = true
	s := tlsterm.Client(raw, config)
	return &tlsPeer{s, t, bufio.NewReader(s)}
}

func (p *tlsPeer) send(s string) {
	p.t.Helper()
	if _, err := io.WriteString(p, s); err != nil {
		p.t.Fatal(err)
	}
}

func (p *tlsPeer) wants(want string) {
	p.t.Helper()
	_ = p.SetReadDeadline(time.Now().Add(time.Minute))
	got := make([]byte, len(want))
	n, err := io.ReadFull(p.r, got)
	if string(got[:n]) != want {
		p.t.Fatalf("read %q over TLS, error %v; want %q", got[:n], err, want)
	}
}

// wantsEnd expects the end of the connection, with a close_notify or truncated.
func (p *tlsPeer) wantsEnd(truncated bool) {
	p.t.Helper()
	_ = p.SetReadDeadline(time.Now().Add(time.Minute))
	if b, err := io.ReadAll(p.r); err != nil || len(b) > 0 {
		p.t.Fatalf("read %q over TLS, error %v; want the end", b, err)
	}
	if p.Truncated() != truncated {
		p.t.Errorf("truncated: %v, want %v", p.Truncated(), truncated)
	}
}

func TestTLSTerminatedClientsAreAskedToDisconnect(t *testing.T) {
	overTLS(t, Route{}, Config{}, func(r *rig) {
		client := r.secureClient()
		app := r.app()
		client.send(get)
		app.wants(get)
		app.send(ok)
		client.wants(ok)
		r.server.Drain()
		client.send(get)
		app.wants(get)
		app.send(ok)
		client.wants(okClose)
		client.wantsEnd(false)
		_ = client.Close()
		app.wantsEnd()
		app.closes()
		synctest.Wait()
		if n := r.server.stats.ended[http1][endedDrain].Load(); n != 1 {
			t.Errorf("%d HTTP/1 connections were ended by the drain, want 1", n)
		}
	})
}

func TestAConnectionThatDoesNotBeginTLSDoesNotReachTheApp(t *testing.T) {
	overTLS(t, Route{}, Config{HeaderTimeout: time.Second}, func(r *rig) {
		client := r.client("192.0.2.1")
		time.Sleep(time.Hour)
		client.wantsOpen()
		if len(r.apps) > 0 {
			t.Error("the app got a connection")
		}
		client.closes()
		synctest.Wait()
		if n := r.server.stats.handshakeFailures.Load(); n != 0 {
			t.Errorf("%d failed handshakes counted, want none: no byte was sent", n)
		}
		if n := r.server.stats.ended[unknown][endedByClient].Load(); n != 1 {
			t.Errorf("%d connections counted as ended by the client, want 1", n)
		}
		idle := r.client("192.0.2.1")
		synctest.Wait()
		r.server.CloseIdle()
		idle.wantsEnd()
	})
}

func TestAFailedHandshakeEndsTheConnectionAndIsCounted(t *testing.T) {
	for name, begin := range map[string]string{"HTTP in clear text": get, "the beginning of a ClientHello": "\x16\x03\x01\x02\x00\x01"} {
		t.Run(name, func(t *testing.T) {
			overTLS(t, Route{}, Config{HeaderTimeout: time.Minute}, func(r *rig) {
				client := r.client("192.0.2.1")
				client.send(begin)
				time.Sleep(time.Minute + time.Second)
				client.available() // an alert
				client.wantsEnd()
				r.app().wantsEnd()
				if n := r.server.stats.handshakeFailures.Load(); n != 1 {
					t.Errorf("%d failed handshakes counted, want 1", n)
				}
				if n := r.server.stats.ended[unknown][endedRefused].Load(); n != 1 {
					t.Errorf("%d connections counted as refused, want 1", n)
				}
			})
		})
	}
}

// The backlog of the app may be full, so that the dial times out.
func TestAClientWithTLSHasA503WhenTheAppIsNotReached(t *testing.T) {
	for _, why := range []error{syscall.ECONNREFUSED, os.ErrDeadlineExceeded} {
		overTLS(t, Route{}, Config{HeaderTimeout: time.Minute}, func(r *rig) {
			r.refusal = why
			r.setRefuse(true)
			client := r.secureClient(tlsterm.ALPNHTTP1)
			client.send(get)
			client.wants("HTTP/1.1 503 ")
			if n := r.server.stats.handshakeFailures.Load(); n != 0 {
				t.Errorf("%d failed handshakes counted, want none", n)
			}
		})
	}
}

// wantsProtocol expects that a client that offers protocols gets one, or none if it is empty.
func (r *rig) wantsProtocol(want string, offered ...string) {
	r.t.Helper()
	client := r.secureClient(offered...)
	if got := client.ConnectionState().NegotiatedProtocol; got != want {
		r.t.Errorf("a client that offers %v got %q, want %q", offered, got, want)
	}
	_ = client.Close()
}

func TestTheProtocolOfARouteIsNegotiated(t *testing.T) {
	for _, test := range []struct {
		protocol Protocol
		offered  []string
		want     string
	}{
		{HTTP1, both, tlsterm.ALPNHTTP1}, {HTTP1, nil, ""},
		{H2C, both, tlsterm.ALPNHTTP2}, {H2C, nil, ""},
		{TCP, both, ""}, {TCP, []string{"imap"}, "imap"},
		{Auto, []string{tlsterm.ALPNHTTP1}, tlsterm.ALPNHTTP1}, {Auto, nil, ""},
		{Auto, []string{tlsterm.ALPNHTTP2}, tlsterm.ALPNHTTP2}, {Auto, []string{"mqtt"}, "mqtt"},
	} {
		overTLS(t, Route{Protocol: test.protocol}, Config{}, func(r *rig) {
			r.wantsProtocol(test.want, test.offered...)
			if n := r.dialled(); n != 1 {
				t.Errorf("%d connections to the app, want only the client's: there is no question to ask", n)
			}
		})
	}
}

func TestHTTP2IsOfferedWhereTheAppSpeaksIt(t *testing.T) {
	for name, test := range map[string]struct{ answer, want string }{
		"it speaks HTTP/2":             {speaksSettings, tlsterm.ALPNHTTP2},
		"it speaks HTTP/1":             {speaksHTTP1, tlsterm.ALPNHTTP1},
		"it speaks something":          {"220 ready\r\n", tlsterm.ALPNHTTP1},
		"it says nothing":              {"", tlsterm.ALPNHTTP1},
		"it begins with another frame": {string(h2.AppendGoAway(nil, 0)), tlsterm.ALPNHTTP1},
	} {
		t.Run(name, func(t *testing.T) {
			onQuestionedRoute(t, test.answer, 0, func(r *rig, q *questioned) {
				r.wantsProtocol(test.want, both...)
				r.wantsProtocol(test.want, both...)
				q.wantsQuestions(t, 1) // for two clients
			})
		})
	}
}

func (r *rig) dialled() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.dials
}

func TestHTTP2ClientsInTLSAreAskedToDisconnect(t *testing.T) {
	overTLS(t, Route{Protocol: H2C}, Config{}, func(r *rig) {
		client := r.secureClient(tlsterm.ALPNHTTP2)
		app := r.app()
		client.send(h2.Preface + string(h2.AppendSettings(nil)))
		app.wants(h2.Preface + string(h2.AppendSettings(nil)))
		app.send(string(h2.AppendSettings(nil)))
		client.wants(string(h2.AppendSettings(nil)))
		r.server.Drain()
		time.Sleep(noticeSpread)
		frames := reference.NewFramer(io.Discard, client.r)
		f, err := frames.ReadFrame()
		if goAway, ok := f.(*reference.GoAwayFrame); !ok || goAway.LastStreamID != h2.MaxStream {
			t.Errorf("the client got %v, error %v; want a GOAWAY that refuses no stream", f, err)
		}
	})
}

// appTLS makes the app of a rig terminate TLS.
func (r *rig) appTLS(config *tls.Config) <-chan *tlsPeer {
	peers := make(chan *tlsPeer, 1)
	go func() {
		s := tlsterm.Server(<-r.apps, config)
		_ = s.Handshake()
		peers <- &tlsPeer{s, r.t, bufio.NewReader(s)}
	}()
	return peers
}

func TestTLSTowardsTheApp(t *testing.T) {
	route := Route{AppTLS: true}
	t.Run("is for the name and with the protocol that the client asks for", func(t *testing.T) {
		for _, speaks := range [][]string{{tlsterm.ALPNHTTP2, tlsterm.ALPNHTTP1}, {tlsterm.ALPNHTTP1}, {tlsterm.ALPNHTTP2}, nil} {
			overTLS(t, route, Config{}, func(r *rig) {
				config := serverTLS()
				config.NextProtos = speaks
				apps := r.appTLS(config)
				client := secureClient(t, r.client("192.0.2.1").conn, &tls.Config{ServerName: "app.example", NextProtos: []string{"imap", tlsterm.ALPNHTTP2, tlsterm.ALPNHTTP1}})
				if err := client.Handshake(); err != nil {
					t.Fatal(err)
				}
				app := <-apps
				if got := app.ConnectionState().ServerName; got != "app.example" {
					t.Errorf("server name %q at the app, want app.example", got)
				}
				want := ""
				if len(speaks) > 0 {
					want = speaks[0]
				}
				for side, p := range map[string]*tlsPeer{"client": client, "app": app} {
					if got := p.ConnectionState().NegotiatedProtocol; got != want {
						t.Errorf("the %s negotiated %q, want %q, which the app has chosen from %v", side, got, want, speaks)
					}
				}
				_, _ = client.Close(), app.Close()
			})
		}
	})
	t.Run("passes bytes and half-closes, and tells clients to leave", func(t *testing.T) {
		overTLS(t, route, Config{}, func(r *rig) {
			apps := r.appTLS(serverTLS())
			client := r.secureClient()
			app := <-apps
			r.server.Drain()
			client.send(get)
			_ = client.CloseWrite()
			app.wants(get)
			app.wantsEnd(false)
			app.send(ok)
			client.wants(okClose)
			client.wantsEnd(false)
			_, _ = client.Close(), app.Close()
		})
	})
	t.Run("that fails is a 503", func(t *testing.T) {
		overTLS(t, route, Config{}, func(r *rig) {
			go func() {
				app := <-r.apps
				_, _ = io.WriteString(app, "HTTP/1.1 400 Bad Request\r\n\r\n")
				_ = app.Close()
			}()
			client := r.secureClient(tlsterm.ALPNHTTP1)
			client.send(get)
			client.wants("HTTP/1.1 503 ")
		})
	})
	t.Run("an end that is not said is passed on as one", func(t *testing.T) {
		overTLS(t, route, Config{}, func(r *rig) {
			apps := r.appTLS(serverTLS())
			client := r.secureClient()
			app := <-apps
			client.send(get)
			app.wants(get)
			app.send("HTTP/1.1 200 OK\r\n\r\nnot the whole")
			_ = tlsterm.Beneath(app.Conn).CloseWrite()
			client.wants("HTTP/1.1 200 OK\r\n\r\nnot the whole")
			client.wantsEnd(true)
			_, _ = client.Close(), app.Close()
		})
	})
}

// With a close_notify, the part of the response that has arrived would look complete.
func TestAResetByTheAppIsNotACleanEndInTLS(t *testing.T) {
	overTLS(t, Route{}, Config{}, func(r *rig) {
		client := r.secureClient()
		app := r.app()
		client.send(get)
		app.wants(get)
		app.send("HTTP/1.1 200 OK\r\n\r\nnot the whole")
		client.wants("HTTP/1.1 200 OK\r\n\r\nnot the whole")
		app.resets()
		_ = client.SetReadDeadline(time.Now().Add(time.Minute))
		if b, err := io.ReadAll(client.r); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("the client read %q, error %v; want a reset", b, err)
		}
	})
}

// A writeCounter counts writes.
type writeCounter struct {
	*memConn
	writes int
}

func (c *writeCounter) Write(b []byte) (int, error) {
	c.writes++
	return c.memConn.Write(b)
}

func TestAResetInTLSWritesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := memPipe(memAddr)
		go func() { _ = secureClient(t, b, &tls.Config{}).Handshake() }()
		counter := &writeCounter{memConn: a}
		s := tlsterm.Server(counter, serverTLS())
		if err := s.Handshake(); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		before := counter.writes
		reset(s)
		if n := counter.writes - before; n > 0 {
			t.Errorf("%d writes with a reset, want none: a close_notify would make a part look complete", n)
		}
		_ = b.Close()
	})
}

func TestACutDoesNotWaitForAClientThatReadsNothing(t *testing.T) {
	overTLS(t, Route{}, Config{}, func(r *rig) {
		client := r.secureClient()
		app := r.app()
		client.send(get)
		app.wants(get)
		go func() { _, _ = io.WriteString(app.conn, "HTTP/1.1 200 OK\r\n\r\n"+strings.Repeat("x", 10*memBuffer)) }()
		synctest.Wait()
		begun := time.Now()
		if connections, exchanges := r.server.Cut(); connections != 1 || exchanges != 1 {
			t.Errorf("%d connections with %d exchanges were cut, want 1 and 1", connections, exchanges)
		}
		if took := time.Since(begun); took > 0 {
			t.Errorf("Cut took %v, want no time", took)
		}
	})
}

func TestAProxyHeaderInFrontOfTLSReachesTheAppInClearText(t *testing.T) {
	const header = "PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n"
	for name, size := range map[string]int{"at once": len(header), "byte by byte": 1} {
		t.Run(name, func(t *testing.T) {
			overTLS(t, Route{Proxied: true}, Config{}, func(r *rig) {
				p := r.client("192.0.2.1")
				for part := range slices.Chunk([]byte(header), size) {
					p.send(string(part))
					if size == 1 {
						synctest.Wait()
					}
				}
				client := secureClient(t, p.conn, &tls.Config{})
				if err := client.Handshake(); err != nil {
					t.Fatal(err)
				}
				client.send(get)
				app := r.app()
				app.wants(header + get)
				app.send(ok)
				client.wants(ok)
			})
		})
	}
}

func TestAnAppThatDoesNotTakeTheProxyHeaderIsAnswered503(t *testing.T) {
	overTLS(t, Route{Proxied: true}, Config{}, func(r *rig) {
		r.greet = func(app *memConn) { reset(app) }
		p := r.client("192.0.2.1")
		p.send("PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n")
		client := secureClient(t, p.conn, &tls.Config{})
		client.send(get)
		client.wants("HTTP/1.1 503 ")
	})
}

func TestTheFallbackHasTheClientsTLSUntouched(t *testing.T) {
	others := make(chan *memConn, 1)
	route := Route{TLS: serverTLS(), Proxied: true, Fallback: func(context.Context) (Conn, error) {
		c, other := memPipe(memAddr)
		others <- other
		return c, nil
	}}
	const header = "PROXY UNKNOWN\r\n"
	through(t, route, Config{}, func(r *rig) {
		r.server.Drain()
		r.server.AppEnded()
		client := r.client("192.0.2.1")
		client.send(header + "\x16\x03\x01")
		other := r.other(others)
		other.wants(header + "\x16\x03\x01")
		client.send("more")
		other.wants("more")
		other.send("an answer")
		client.wants("an answer")
		other.closes()
		client.wantsEnd()
	})
}

// The reference implementations over real sockets, with a body that is larger than any buffer.
func TestHTTPSWithTheReferenceClient(t *testing.T) {
	for name, http2 := range map[string]bool{"HTTP/1": false, "HTTP/2": true} {
		t.Run(name, func(t *testing.T) {
			app := &http.Server{Handler: http.HandlerFunc(echo), Protocols: new(http.Protocols)}
			app.Protocols.SetHTTP1(true)
			app.Protocols.SetUnencryptedHTTP2(http2)
			ln := listenLoopback(t)
			go func() { _ = app.Serve(ln) }()
			t.Cleanup(func() { _ = app.Close() })
			address := serveLoopback(t, New(Config{}), Route{Dial: DialTCP(ln.Addr().String()), TLS: serverTLS()})
			want, got := map[bool]int{false: 1, true: 2}[http2], 0
			// Until the app has answered which version it speaks, clients get HTTP/1.
			for deadline := time.Now().Add(time.Minute); got != want && time.Now().Before(deadline); {
				got = echoOverHTTPS(t, address)
			}
			if got != want {
				t.Errorf("the client got HTTP/%d, want HTTP/%d", got, want)
			}
		})
	}
}

// echoOverHTTPS sends a body to an app that must echo it, and returns the major version of HTTP.
func echoOverHTTPS(t *testing.T, address string) (major int) {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	body := make([]byte, 3<<20)
	_, _ = rand.Read(body)
	resp, err := (&http.Client{Transport: transport}).Post("https://"+address, "", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil || !bytes.Equal(got, body) {
		t.Errorf("%d bytes came back, error %v; want the %d that were sent", len(got), err, len(body))
	}
	return resp.ProtoMajor
}
