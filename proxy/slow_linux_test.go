package proxy

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"lameduck/proxy/h2"
	"lameduck/proxy/pump"
)

// headStart is the beginning of a request head that is never completed.
const headStart = "GET / HTTP/1.1\r\nHost: a\r\nX: "

// room is a budget in bytes for a few slow clients, each with a buffer of the usual size.
const room = 4 * pump.BufferSize

// slowClients opens connections one after the other, each as soon as bytes are held for the one
// before.
func slowClients(t *testing.T, s *Server, n int, open func() *net.TCPConn) (clients []*net.TCPConn) {
	t.Helper()
	for i := range n {
		before := s.budget.Ended()
		clients = append(clients, open())
		waitUntil(t, "the client is slow", func() bool {
			return s.budget.Held() >= int64(i+1)*pump.BufferSize || s.budget.Ended() > before
		})
	}
	return clients
}

// wantAnswer expects that a client gets an answer with a status, and then the end of the
// connection.
func wantAnswer(t *testing.T, c net.Conn, status string) {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
	answer, err := io.ReadAll(c)
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 "+status) {
		t.Errorf("answer %q, %v; want %s", answer, err, status)
	}
}

// wantFree expects that no bytes are held after all slow clients have left.
func wantFree(t *testing.T, s *Server, clients []*net.TCPConn) {
	t.Helper()
	for _, c := range clients {
		resetBy(c)
	}
	waitUntil(t, "nothing is held any more", func() bool { return s.budget.Held() == 0 })
}

func TestSlowClients_TheOldestUnfinishedHeadsAreAnswered503(t *testing.T) {
	app := listenLoopback(t)
	go answerAll(app)
	s, address := onLoopback(t, Config{SlowPeerBytes: room}, app)
	clients := slowClients(t, s, 6, func() *net.TCPConn { return dialAndSend(t, address, headStart) })
	wantAnswer(t, clients[0], "503")
	wantAnswer(t, clients[1], "503")
	for _, c := range clients[2:] {
		if _, err := io.WriteString(c, "\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		answer := make([]byte, len(ok))
		_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
		if _, err := io.ReadFull(c, answer); err != nil || string(answer) != ok {
			t.Errorf("answer %q, %v to a younger client; want the app's", answer, err)
		}
	}
	if n := s.budget.Ended(); n != 2 {
		t.Errorf("%d clients were disconnected, want 2", n)
	}
	wantFree(t, s, clients)
}

// A large head takes a large buffer.
func TestSlowClients_AHeadIsChargedForItsBuffer(t *testing.T) {
	s, address := onLoopback(t, Config{SlowPeerBytes: 1 << 20}, listenLoopback(t))
	client := dialAndSend(t, address, headStart+strings.Repeat("x", 20<<10))
	waitUntil(t, "64 KiB are held", func() bool { return s.budget.Held() == 64<<10 })
	wantFree(t, s, []*net.TCPConn{client})
}

func TestSlowClients_ARequestThatComesAtOnceIsNotCharged(t *testing.T) {
	app := listenLoopback(t)
	go answerAll(app)
	s, address := onLoopback(t, Config{SlowPeerBytes: 1}, app)
	client := dialAndSend(t, address, "")
	for range 100 {
		if _, err := io.WriteString(client, get); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(client, make([]byte, len(ok))); err != nil {
			t.Fatal(err)
		}
	}
	if n := s.budget.Ended(); n != 0 || s.budget.Held() != 0 {
		t.Errorf("%d waits were ended and %d bytes are held, want none", n, s.budget.Held())
	}
}

// endless answers with an endless chunked body, so that its bytes go through our buffers.
func endless(w http.ResponseWriter, r *http.Request) {
	for r.Context().Err() == nil {
		if _, err := w.Write(make([]byte, 32<<10)); err != nil {
			return
		}
	}
}

// dialSmall is dialAndSend for a client with a small receive buffer.
func dialSmall(t *testing.T, address, s string) *net.TCPConn {
	t.Helper()
	c := dialAndSend(t, address, "")
	_ = c.SetReadBuffer(4 << 10)
	if _, err := io.WriteString(c, s); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestSlowClients_TheOldestResponseThatIsNotReceivedIsReset(t *testing.T) {
	s, address := onLoopback(t, Config{SlowPeerBytes: room}, serveHTTP(t, endless))
	clients := slowClients(t, s, 2, func() *net.TCPConn { return dialSmall(t, address, get) })
	for s.budget.Ended() == 0 {
		clients = append(clients, slowClients(t, s, 1, func() *net.TCPConn { return dialSmall(t, address, get) })...)
	}
	_ = clients[0].SetReadDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.Copy(io.Discard, clients[0]); err == nil || isTimeout(err) {
		t.Errorf("the response ended with %v, want a reset: it is not complete", err)
	}
	waitUntil(t, "the connection has been ended by us", func() bool { return s.stats.ended[http1][endedRefused].Load() > 0 })
	wantFree(t, s, clients)
}

func TestSlowClients_AnUploadThatTheAppDoesNotTakeIsAnswered503(t *testing.T) {
	app := listenLoopback(t)
	s, address := onLoopback(t, Config{SlowPeerBytes: 1}, app)
	client := dialAndSend(t, address, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
	go func() {
		for {
			if _, err := io.WriteString(client, "1000\r\n"+strings.Repeat("x", 0x1000)+"\r\n"); err != nil {
				return
			}
		}
	}()
	_ = client.SetReadDeadline(time.Now().Add(20 * time.Second))
	answer := make([]byte, len("HTTP/1.1 503"))
	if _, err := io.ReadFull(client, answer); err != nil || string(answer) != "HTTP/1.1 503" {
		t.Errorf("answer %q, %v; want 503", answer, err)
	}
	wantFree(t, s, []*net.TCPConn{client})
}

func TestSlowClients_OtherProtocolsAreChargedToo(t *testing.T) {
	for name, begins := range map[string]string{
		"HTTP/2, within a frame's header":    h2.Preface + "\x00\x00",
		"what is not decided yet":            "GET /" + strings.Repeat("x", 100),
		"a head behind another one":          get + headStart,
		"a head on a connection of HTTP/1.1": headStart,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := listenLoopback(t)
			s, address := onLoopback(t, Config{SlowPeerBytes: room}, app)
			clients := slowClients(t, s, 6, func() *net.TCPConn { return dialAndSend(t, address, begins) })
			waitUntil(t, "no more than the budget is held", func() bool { return s.budget.Held() <= room })
			wantFree(t, s, clients)
		})
	}
}

// secureRoute terminates TLS.
func secureRoute(t *testing.T, s *Server, app net.Listener) (address string) {
	t.Helper()
	return serveLoopback(t, s, Route{Dial: DialTCP(app.Addr().String()), TLS: serverTLS()})
}

func TestSlowClients_TLSHandshakesThatDoNotEndAreCharged(t *testing.T) {
	s := New(Config{SlowPeerBytes: room})
	address := secureRoute(t, s, listenLoopback(t))
	// A quarter of a ClientHello of 60,000 bytes.
	hello := "\x16\x03\x01\x3f\xff\x01\x00\xea\x60" + strings.Repeat("x", 0x3fff-4) + "\x16"
	clients := slowClients(t, s, 4, func() *net.TCPConn { return dialAndSend(t, address, hello) })
	waitUntil(t, "handshakes are ended", func() bool { return s.budget.Ended() >= 2 })
	waitUntil(t, "no more than the budget is held", func() bool { return s.budget.Held() <= room })
	_ = clients[0].SetReadDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.Copy(io.Discard, clients[0]); isTimeout(err) {
		t.Error("the oldest handshake was not ended")
	}
	wantFree(t, s, clients)
}

// dialTLS returns a client whose handshake is complete.
func dialTLS(t *testing.T, address string) *tls.Conn {
	t.Helper()
	c := tls.Client(dialSmall(t, address, ""), &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // a test's own
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestSlowClients_HeadsWithinTLSAreChargedToo(t *testing.T) {
	app := listenLoopback(t)
	go answerAll(app)
	s := New(Config{SlowPeerBytes: room})
	address := secureRoute(t, s, app)
	var first *tls.Conn
	clients := slowClients(t, s, 5, func() *net.TCPConn {
		c := dialTLS(t, address)
		if _, err := io.WriteString(c, headStart); err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = c
		}
		return c.NetConn().(*net.TCPConn)
	})
	wantAnswer(t, first, "503")
	wantFree(t, s, clients)
}

func TestSlowClients_ResponsesWithinTLSThatAreNotReceivedAreCharged(t *testing.T) {
	s := New(Config{SlowPeerBytes: room})
	address := secureRoute(t, s, serveHTTP(t, endless))
	var clients []*net.TCPConn
	for s.budget.Ended() == 0 {
		clients = append(clients, slowClients(t, s, 1, func() *net.TCPConn {
			raw := dialSmall(t, address, "")
			c := tls.Client(raw, &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // a test's own
			_, _ = io.WriteString(c, get)                               // fails if its handshake has become the oldest wait
			return raw
		})...)
	}
	waitUntil(t, "no more than the budget is held", func() bool { return s.budget.Held() <= room })
	wantFree(t, s, clients)
}
