package measure

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"lameduck/bench/openloop"
	"lameduck/deploy/deploytest"
)

func TestFailuresOfHTTP1HaveTheirCauses(t *testing.T) {
	for name, tc := range map[string]struct {
		peer peer
		want openloop.Cause
	}{
		"200":                   {answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"), ""},
		"200 after 103":         {answer("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"), ""},
		"502":                   {answer("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"), openloop.BadGateway},
		"502 that is cut short": {answer("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 9\r\n\r\n"), openloop.BadGateway},
		"503":                   {answer("HTTP/1.1 503 Unavailable\r\nContent-Length: 0\r\n\r\n"), openloop.Unavailable},
		"504":                   {answer("HTTP/1.1 504 Timeout\r\nContent-Length: 0\r\n\r\n"), openloop.GatewayTimeout},
		"500":                   {answer("HTTP/1.1 500 Error\r\nContent-Length: 0\r\n\r\n"), openloop.OtherServerError},
		"404":                   {answer("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"), openloop.OtherStatus},
		"RST":                   {reset, openloop.Reset},
		"FIN":                   {answer(""), openloop.Closed},
		"FIN in the head":       {answer("HTTP/1.1 200 OK\r\nCont"), openloop.Truncated},
		"FIN in the body":       {answer("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab"), openloop.Truncated},
		"FIN between chunks":    {answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n"), openloop.Truncated},
		"no HTTP":               {answer("SSH-2.0-OpenSSH\r\n\r\n"), openloop.Garbled},
		"silence":               {silent, openloop.Timeout},
	} {
		for _, l := range lanes([]Protocol{HTTP1}, true) {
			t.Run(name+", "+l.String(), func(t *testing.T) {
				t.Parallel()
				addr := script(t, tc.peer)
				cfg := config(t, "http://"+addr, 0)
				if tc.want == openloop.Timeout {
					cfg.Timeout = 50 * time.Millisecond
				}
				if err := once(cfg, addr, l); openloop.CauseOf(err) != tc.want {
					t.Errorf("%v, want the cause %q", err, tc.want)
				}
			})
		}
	}
}

func TestAClosedPortIsRefused(t *testing.T) {
	for _, p := range []Protocol{HTTP1, HTTP2} {
		addr := deploytest.FreeAddr(t)
		err := once(config(t, "http://"+addr, 0), addr, Lane{"GET", p, false})
		if openloop.CauseOf(err) != openloop.Refused {
			t.Errorf("%s: %v, want it to be refused", p, err)
		}
	}
}

func TestAFailedHandshakeIsNotAReset(t *testing.T) {
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.EnableHTTP2, s.Config.ErrorLog = true, quiet
	s.StartTLS()
	defer s.Close()
	cfg := config(t, s.URL, 0)
	cfg.TLS = &tls.Config{}
	addr := s.Listener.Addr().String()
	for _, p := range []Protocol{HTTP1, HTTP2} {
		err := once(cfg, addr, Lane{"GET", p, true})
		if openloop.CauseOf(err) != openloop.TLS || !strings.Contains(err.Error(), "certificate") {
			t.Errorf("%s: %v, want a TLS failure about the certificate", p, err)
		}
	}
	for want, end := range map[openloop.Cause]peer{openloop.Closed: answer(""), openloop.Reset: reset} {
		addr := script(t, end)
		if err := once(cfg, addr, Lane{"GET", HTTP1, true}); openloop.CauseOf(err) != want {
			t.Errorf("a handshake that ends: %v, want %q", err, want)
		}
	}
}

// h2peer serves HTTP/2 connections: respond is called with the stream of the first request of each,
// once it has been read. A response before it would arrive on a connection without streams.
func h2peer(t *testing.T, respond func(f *http2.Framer, c net.Conn, stream uint32)) string {
	return accept(t, func(c *net.TCPConn) {
		if _, err := io.ReadFull(c, make([]byte, len(http2.ClientPreface))); err != nil {
			return
		}
		f := http2.NewFramer(c, c)
		f.WriteSettings()
		f.WriteSettingsAck()
		for {
			frame, err := f.ReadFrame()
			if err != nil {
				return
			}
			if h, ok := frame.(*http2.HeadersFrame); ok {
				respond(f, c, h.StreamID)
				return
			}
		}
	})
}

func TestFailuresOfHTTP2HaveTheirCauses(t *testing.T) {
	head := []byte{0x88} // :status 200
	for name, tc := range map[string]struct {
		respond func(*http2.Framer, net.Conn, uint32)
		want    openloop.Cause
	}{
		"200": {func(f *http2.Framer, _ net.Conn, s uint32) {
			f.WriteHeaders(http2.HeadersFrameParam{StreamID: s, BlockFragment: head, EndHeaders: true, EndStream: true})
		}, ""},
		"GOAWAY":  {func(f *http2.Framer, _ net.Conn, s uint32) { f.WriteGoAway(0, http2.ErrCodeNo, nil) }, openloop.GoAway},
		"stream":  {func(f *http2.Framer, _ net.Conn, s uint32) { f.WriteRSTStream(s, http2.ErrCodeRefusedStream) }, openloop.Reset},
		"FIN":     {func(*http2.Framer, net.Conn, uint32) {}, openloop.Closed},
		"silence": {func(_ *http2.Framer, c net.Conn, _ uint32) { io.Copy(io.Discard, c) }, openloop.Timeout},
		"FIN in the body": {func(f *http2.Framer, _ net.Conn, s uint32) {
			f.WriteHeaders(http2.HeadersFrameParam{StreamID: s, BlockFragment: head, EndHeaders: true})
			f.WriteData(s, false, []byte("ab"))
		}, openloop.Truncated},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			addr := h2peer(t, func(f *http2.Framer, c net.Conn, s uint32) {
				tc.respond(f, c, s)
				if cw, ok := c.(*net.TCPConn); ok {
					cw.CloseWrite() // and read the rest of the client's data, so that there is no reset
					c.SetReadDeadline(time.Now().Add(time.Second))
					io.Copy(io.Discard, c)
				}
			})
			cfg := config(t, "http://"+addr, 0)
			if tc.want == openloop.Timeout {
				cfg.Timeout = 50 * time.Millisecond
			}
			err := once(cfg, addr, Lane{"GET", HTTP2, true})
			if openloop.CauseOf(err) != tc.want {
				t.Errorf("%v, want the cause %q", err, tc.want)
			}
		})
	}
}

func TestHTTP2IsMeasuredIfTheServerOffersIt(t *testing.T) {
	for _, h2 := range []bool{true, false} {
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, "ok")
		}))
		s.EnableHTTP2, s.Config.ErrorLog = h2, quiet
		s.StartTLS()
		cfg := config(t, s.URL, 40)
		cfg.Protocols, cfg.TLS = nil, s.Client().Transport.(*http.Transport).TLSClientConfig
		r := run(t, cfg)
		if want := map[bool]int{true: 8, false: 4}[h2]; len(r.Lanes) != want || r.Lost > 0 || r.Requests != 40 {
			t.Errorf("HTTP/2 %t: %d lanes, want %d, lost %v of %d", h2, len(r.Lanes), want, r.Causes, r.Requests)
		}
		s.Close()
	}
}

func TestAServiceThatFailsAlreadyIsNotMeasured(t *testing.T) {
	addr := script(t, answer(""))
	for name, tc := range map[string]struct{ target, want string }{
		"404":      {serve(t, http.NotFound), "the answers that count are 200-299: measure another path"},
		"refused":  {"http://" + deploytest.FreeAddr(t), "connection refused"},
		"no reply": {"http://" + addr, "GET http://" + addr + " over HTTP/1.1 failed: closed"},
	} {
		if _, err := New(context.Background(), config(t, tc.target, 0)); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", name, err, tc.want)
		}
	}
}
