package measure

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"

	"lameduck/bench/openloop"
	"lameduck/deploy/deploytest"
)

// sockets serves WebSockets. serve gets each, with its number.
func sockets(t *testing.T, serve func(c *websocket.Conn, n int64)) string {
	t.Helper()
	var n atomic.Int64
	return serveHTTP1(t, func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer c.CloseNow()
		serve(c, n.Add(1))
	})
}

// pong answers pings until the client leaves.
func pong(c *websocket.Conn) {
	c.Write(context.Background(), websocket.MessageText, []byte("a message that nobody has asked for"))
	for {
		if _, _, err := c.Read(context.Background()); err != nil {
			return
		}
	}
}

func TestPingsOfWebSocketsAreCounted(t *testing.T) {
	t.Parallel()
	cfg := config(t, sockets(t, func(c *websocket.Conn, _ int64) { pong(c) }), 40)
	cfg.Protocols = []Protocol{WebSocket}
	r := run(t, cfg)
	if len(r.Lanes) != 2 || r.Lost > 0 || r.Requests != 40 || time.Duration(r.Latency.P50) == 0 {
		t.Errorf("lost %v of %d in %d lanes", r.Causes, r.Requests, len(r.Lanes))
	}
}

// A WebSocket that ends without a proper close is exactly one loss, even if it was idle.
func TestTheEndOfAWebSocketIsALossUnlessItIsProper(t *testing.T) {
	for name, tc := range map[string]struct {
		end  func(c *websocket.Conn)
		want openloop.Cause
	}{
		"1000":           {func(c *websocket.Conn) { c.Close(websocket.StatusNormalClosure, "") }, ""},
		"1001":           {func(c *websocket.Conn) { c.Close(websocket.StatusGoingAway, "") }, ""},
		"1012":           {func(c *websocket.Conn) { c.Close(websocket.StatusServiceRestart, "") }, ""},
		"1011":           {func(c *websocket.Conn) { c.Close(websocket.StatusInternalError, "") }, closeCode},
		"no close frame": {func(c *websocket.Conn) { c.CloseNow() }, openloop.Closed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			leave := make(chan struct{})
			target := sockets(t, func(c *websocket.Conn, n int64) {
				if n == 1 {
					go func() { <-leave; tc.end(c) }()
				}
				pong(c)
			})
			cfg := config(t, target, 0)
			cfg.Connections = 1
			l := Lane{"ping", WebSocket, false}
			c := newClient(cfg, book(cfg.URL.Host))
			c.use([]Lane{l})
			defer c.close()
			if _, err := c.exchange(t.Context(), l); err != nil {
				t.Fatal(err)
			}
			first := c.socket[l].slots[0]
			close(leave)
			<-first.read // the WebSocket has ended while it was idle
			if _, err := c.exchange(t.Context(), l); openloop.CauseOf(err) != tc.want {
				t.Errorf("%v, want the cause %q", err, tc.want)
			}
			if _, err := c.exchange(t.Context(), l); err != nil {
				t.Errorf("the next one: %v", err)
			}
		})
	}
}

func TestHandshakesThatFailHaveTheirCauses(t *testing.T) {
	for want, target := range map[openloop.Cause]string{
		openloop.BadGateway:  "http://" + script(t, answer("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")),
		openloop.OtherStatus: "http://" + script(t, answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")),
		openloop.Closed:      "http://" + script(t, answer("")),
		openloop.Refused:     "http://" + deploytest.FreeAddr(t),
	} {
		cfg := config(t, target, 0)
		for _, l := range lanes([]Protocol{WebSocket}, false) {
			if err := once(cfg, cfg.URL.Host, l); openloop.CauseOf(err) != want {
				t.Errorf("%s: %v, want the cause %q", l, err, want)
			}
		}
	}
}

func TestAFailedHandshakeDoesNotShowTheURL(t *testing.T) {
	refused := &url.Error{Op: "Get", URL: "http://shop.example/?token=s3cret", Err: syscall.ECONNREFUSED}
	err := handshake(nil, fmt.Errorf("failed to send the request: %w", refused))
	if !errors.Is(err, syscall.ECONNREFUSED) || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("error %v", err)
	}
}
