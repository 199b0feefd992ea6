package integration

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// A talk is a script's report of one WebSocket connection.
type talk struct {
	Sent, Received int // messages
	Errors         []string
	Code           int // of the close frame
	Extensions     string
}

// goingAway is the status code of the relay's close frames (RFC 6455 section 7.4.1).
const goingAway = 1001

// The client reconnects to the same pod until its load balancer has learned of the termination, and
// each connection is closed again. Both sides compress. They send every other message in several
// frames with pauses, so that a message is nearly always incomplete.
func TestWebSocketMessagesArriveWholeInADrain(t *testing.T) {
	t.Parallel()
	p := startWebSocketPod(t)
	client := startTalker(t, "ws://"+p.lameduck.front)
	hook := p.beginEnd(t)
	eventually(t, "the client has reconnected three times", func() bool {
		return p.lameduck.endedByDrain(t, "websocket") >= 3
	})
	here := client.end(t)
	p.end(t, hook)
	p.lameduck.wantQuietEnd(t)
	p.lameduck.wantTerminationLog(t, fmt.Sprintf("websocket connections ended: %d by drain", len(here)))
	wantWhole(t, here, talks(t, p.app))
	t.Logf("the client reports %+v", here)
}

func startWebSocketPod(t *testing.T) *pod {
	t.Helper()
	app, address := startNode(t, "websocket-app.js")
	return startPod(t, app, address, append(realHold, "LAMEDUCK_TUNNEL_SPREAD=1s", "LAMEDUCK_GRACE_PERIOD=120s")...)
}

// A talker is a Node client that reconnects whenever its connection is closed.
type talker struct {
	*program
	stdin io.Closer
}

// startTalker starts a talker, and returns when it has received a message.
func startTalker(t *testing.T, url string) *talker {
	t.Helper()
	command := nodeScript(t, "websocket-client.js", url)
	cmd := newCommand(nil, command[0], command[1:]...)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	c := &talker{startCommand(t, cmd), stdin}
	c.stdout.await(t, "talking", func(l string) bool { return l == "talking" })
	return c
}

// end makes the client's connection its last. When that has been closed, it returns the reports of
// all connections.
func (c *talker) end(t *testing.T) []talk {
	t.Helper()
	_ = c.stdin.Close()
	c.wantExit(t, 0)
	return talks(t, c.program)
}

// wantWhole expects that all connections were closed with goingAway on both sides, and that all
// messages of the clients have arrived complete.
func wantWhole(t *testing.T, clients, apps []talk) {
	t.Helper()
	sent, received := 0, 0
	for _, c := range clients {
		sent += c.Sent
	}
	for _, a := range apps {
		received += a.Received
	}
	if len(clients) != len(apps) || sent != received || sent == 0 {
		t.Errorf("the clients have sent %d messages on %d connections, the apps have received %d on %d",
			sent, len(clients), received, len(apps))
	}
	for _, k := range append(clients, apps...) {
		if len(k.Errors) > 0 || k.Code != goingAway {
			t.Errorf("a connection was closed with %d and had the errors %v, want %d and none",
				k.Code, k.Errors, goingAway)
		}
		if !strings.Contains(k.Extensions, "permessage-deflate") {
			t.Errorf("a connection has the extensions %q, want permessage-deflate", k.Extensions)
		}
	}
}

// Node's library and browsers ignore an incomplete message at the end of a connection. A Go client
// reports it.
func TestNoWebSocketIsClosedWithinAMessage(t *testing.T) {
	t.Parallel()
	const clients = 20
	app, address := startPeerApp(t, "page")
	p := startPod(t, app, address, append(realHold, "LAMEDUCK_TUNNEL_SPREAD=1s", "LAMEDUCK_GRACE_PERIOD=120s")...)
	begun, ended := make(chan struct{}, clients), make(chan error, clients)
	for range clients {
		go func() { ended <- listenTo(t.Context(), "ws://"+p.lameduck.front+"/messages", begun) }()
	}
	for range clients {
		receive(t, begun, "message")
	}
	hook := p.beginEnd(t)
	for range clients {
		if err := receive(t, ended, "end of a connection"); err != nil {
			t.Error(err)
		}
	}
	p.end(t, hook)
	p.lameduck.wantQuietEnd(t)
}

// listenTo reads messages until the close frame, and sends to begun after the first one.
func listenTo(ctx context.Context, url string, begun chan<- struct{}) error {
	c, _, err := websocket.Dial(ctx, url, nil)
	if err != nil {
		return err
	}
	defer c.CloseNow()
	c.SetReadLimit(-1)
	for n := 0; ; n++ {
		_, r, err := c.Reader(ctx)
		if websocket.CloseStatus(err) == goingAway {
			return nil
		}
		if err != nil {
			return fmt.Errorf("start message %d: %w", n, err)
		}
		if _, err := io.Copy(io.Discard, r); err != nil {
			return fmt.Errorf("read message %d: %w", n, err)
		}
		if n == 0 {
			begun <- struct{}{}
		}
	}
}

// talks returns a script's reports of its connections.
func talks(t *testing.T, p *program) (all []talk) {
	t.Helper()
	for l := range strings.Lines(p.stdout.String()) {
		if !strings.HasPrefix(l, "{") {
			continue
		}
		var one talk
		if err := json.Unmarshal([]byte(l), &one); err != nil {
			t.Fatalf("%q: %v", l, err)
		}
		all = append(all, one)
	}
	return all
}

func TestWebSocketThroughNginxLosesNothing(t *testing.T) {
	t.Parallel()
	leaving, staying := startWebSocketPod(t), startWebSocketPod(t)
	nginx := startNginxBalancer(t, leaving.lameduck.front, staying.lameduck.front)
	clients := []*talker{}
	for range 4 {
		clients = append(clients, startTalker(t, "ws://127.0.0.1:"+nginx.websocket))
	}
	hook := leaving.beginEnd(t)
	<-time.After(lag)
	nginx.learn(t, staying.lameduck.front)
	leaving.end(t, hook)
	leaving.lameduck.wantQuietEnd(t)
	hook = staying.beginEnd(t)
	var here []talk
	for _, c := range clients {
		here = append(here, c.end(t)...)
	}
	staying.end(t, hook)
	staying.lameduck.wantQuietEnd(t)
	wantWhole(t, here, append(talks(t, leaving.app), talks(t, staying.app)...))
}
