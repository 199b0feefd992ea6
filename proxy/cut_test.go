package proxy

import (
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"
)

// untilClose begins a response that is delimited by the close of the connection.
const untilClose = "HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\n\r\na,b\n"

// parts are connections in the middle of a message, with the bytes that the app has sent of it.
var parts = map[string]func(*rig) (client, app *peer){
	"a response until close":         answered(get, untilClose),
	"a response until close, of 1.0": answered("GET / HTTP/1.0\r\n\r\n", "HTTP/1.0 200 OK\r\n\r\na"),
	"a response of known length":     answered(get, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\na"),
	"a chunked response":             answered(get, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n"),
	"a chunked event stream":         answered(get, chunkedEvents+eventChunk),
	"an event stream until close":    answered(get, events+"\r\n"+event),
	"the head of a response":         answered(get, "HTTP/1.1 103 Early Hints\r\n\r\n"),
	"a request that is not answered": answered(get, ""),
	"an unsolicited response":        answered("", "HTTP/1.1 408 Request Timeout\r\n\r\na"),
	"a tunnel":                       tunnelled,
	"a TCP connection":               answered("\x00", "\x01"),
	"a WebSocket message": func(r *rig) (client, app *peer) {
		client, app = webSocket(r)
		app.send(firstPart)
		client.wants(firstPart)
		return client, app
	},
	"an HTTP/2 stream": func(r *rig) (client, app *peer) {
		client, app = speaksHTTP2(r)
		client.send(headers(1, true, true))
		app.wants(headers(1, true, true))
		app.send(settings + headers(1, false, true) + data(1, false, 9))
		client.wants(settings + headers(1, false, true) + data(1, false, 9))
		return client, app
	},
}

// answered returns a function that opens a connection and relays a request and the beginning of its
// response.
func answered(request, response string) func(*rig) (client, app *peer) {
	return func(r *rig) (client, app *peer) {
		client, app = r.connect()
		client.send(request)
		app.wants(request)
		app.send(response)
		client.wants(response)
		return client, app
	}
}

func TestATruncatedResponseLooksTruncated(t *testing.T) {
	for name, begin := range parts {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Config{}, func(r *rig) {
				client, app := begin(r)
				r.server.Drain()
				r.server.Cut()
				client.wantsReset()
				if name != "an unsolicited response" { // the app has got nothing there
					app.wantsReset()
				}
				r.wantsNoConnections()
			})
		})
	}
}

// A close_notify would mean that the data received so far is complete.
func TestATruncatedTLSResponseLooksTruncated(t *testing.T) {
	overTLS(t, Route{}, Config{}, func(r *rig) {
		client, app := r.secureClient(), r.app()
		client.send(get)
		app.wants(get)
		app.send(untilClose)
		client.wants(untilClose)
		r.server.Cut()
		_ = client.SetReadDeadline(time.Now().Add(time.Minute))
		if b, err := io.ReadAll(client.r); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("the client read %q, error %v; want a reset", b, err)
		}
		app.wantsReset()
	})
}

func TestWhatIsWholeIsNotReset(t *testing.T) {
	for name, begin := range map[string]func(*rig) (client, app *peer){
		"a connection without bytes": func(r *rig) (client, app *peer) { return r.connect() },
		"an idle connection":         answered(get, ok),
		"an idle HTTP/2 connection":  speaksHTTP2,
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Config{}, func(r *rig) {
				client, app := begin(r)
				r.server.Cut()
				client.wantsEnd()
				app.wantsEnd()
			})
		})
	}
	t.Run("half-closed by the app", func(t *testing.T) {
		inBubble(t, Config{}, func(r *rig) {
			client, app := tunnelled(r)
			app.ends()
			client.wantsEnd()
			r.server.Cut()
			client.wantsEnd()
			app.wantsReset() // the client has not ended its side
		})
	})
	t.Run("half-closed by the client", func(t *testing.T) {
		inBubble(t, Config{}, func(r *rig) {
			client, app := tunnelled(r)
			client.ends()
			app.wantsEnd()
			r.server.Cut()
			client.wantsReset() // the app has not ended its side
		})
	})
}

// The time limit of a half-closed connection ends it like a cut.
func TestAHalfClosedConnectionThatIsGivenUpLooksCut(t *testing.T) {
	for name, begin := range map[string]func(*rig) (client, app *peer){
		"in a tunnel":                tunnelled,
		"in a TCP connection":        parts["a TCP connection"],
		"in a response until close":  parts["a response until close"],
		"in a request not answered":  parts["a request that is not answered"],
		"in an HTTP/2 stream":        parts["an HTTP/2 stream"],
		"in a body of known length ": parts["a response of known length"],
	} {
		t.Run(name+", by the client", func(t *testing.T) {
			inBubble(t, Config{}, func(r *rig) {
				client, app := begin(r)
				client.ends()
				app.wantsEnd()
				client.wantsResetAfter(halfCloseTimeout)
				app.wantsReset()
			})
		})
	}
	t.Run("in a tunnel, by the app", func(t *testing.T) {
		inBubble(t, Config{}, func(r *rig) {
			client, app := tunnelled(r)
			app.ends()
			client.wantsEnd()
			app.wantsResetAfter(halfCloseTimeout)
		})
	})
}

func TestTheClientSeesAnAppThatDiesInAnUnsolicitedResponse(t *testing.T) {
	inBubble(t, Config{}, func(r *rig) {
		client, app := parts["an unsolicited response"](r)
		app.resets()
		client.wantsReset()
	})
}

// With real sockets: the client reads the data received so far, and then the reset.
func TestACutIsSeenThroughTheKernel(t *testing.T) {
	const part = "HTTP/1.0 200 OK\r\n\r\na,b\n"
	for _, parked := range []bool{false, true} {
		t.Run(map[bool]string{false: "in use", true: "parked"}[parked], func(t *testing.T) {
			s := New(Config{})
			ln := listenLoopback(t)
			address := serveLoopback(t, s, Route{Dial: DialTCP(ln.Addr().String()), Protocol: TCP})
			client, app := connected(t, address, ln)
			passesInPieces(t, client, app, []string{get})
			passesInPieces(t, app, client, []string{part})
			if parked && !eventually(func() bool { s.sweep(); return s.parker.parkedConns() == 1 }) {
				t.Skip("connections are not parked here")
			}
			s.Cut()
			for name, c := range map[string]net.Conn{"client": client, "app": app} {
				_ = c.SetReadDeadline(time.Now().Add(time.Minute))
				if b, err := io.ReadAll(c); !errors.Is(err, syscall.ECONNRESET) {
					t.Errorf("the %s read %q, error %v; want a reset", name, b, err)
				}
			}
		})
	}
}

// A complete response is not in flight, even if a slow client has not received it yet: the cut is
// not a reset, which would destroy it.
func TestACutDestroysNoResponseThatIsComplete(t *testing.T) {
	s := New(Config{})
	ln := listenLoopback(t)
	address := serveLoopback(t, s, Route{Dial: DialTCP(ln.Addr().String())})
	client, app := connected(t, address, ln)
	_ = client.(*net.TCPConn).SetReadBuffer(16 << 10)
	passesInPieces(t, client, app, []string{get})
	body := strings.Repeat("x", 600<<10)
	response := "HTTP/1.1 200 OK\r\nContent-Length: 614400\r\n\r\n" + body
	if _, err := io.WriteString(app, response); err != nil {
		t.Fatal(err)
	}
	if !eventually(func() bool { return s.stats.inFlight.Load() == 0 }) {
		t.Fatal("the response has not ended")
	}
	s.Cut()
	_ = client.SetReadDeadline(time.Now().Add(time.Minute))
	if b, err := io.ReadAll(client); err != nil || string(b) != response {
		t.Errorf("the client got %d of %d bytes, error %v", len(b), len(response), err)
	}
}
