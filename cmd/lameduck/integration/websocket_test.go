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

// A talk is what the scripts say of one WebSocket connection.
type talk struct {
	Sent, Received int // messages
	Faults         []string
	Code           int // with which it was closed
	Extensions     string
}

// goingAway is what a client is told (RFC 6455 section 7.4.1).
const goingAway = 1001

// The client comes back to the same pod as long as its load balancer knows no better, and is told again. Both sides compress, and
// send every other message in frames with pauses between them, so that nearly always one is under way.
func TestWebSocketMessagesArriveWholeInADrain(t *testing.T) {
	t.Parallel()
	p := startWebSocketPod(t)
	client := startTalker(t, "ws://"+p.duck.front)
	hook := p.beginEnd(t)
	eventually(t, "the client has come back three times", func() bool { return p.duck.told(t, "websocket") >= 3 })
	here := client.end(t)
	p.end(t, hook)
	p.duck.wantQuietEnd(t)
	p.duck.wantTerminationLog(t, fmt.Sprintf("websocket connections ended: %d by drain", len(here)))
	wantWhole(t, here, talks(t, p.app))
	t.Logf("the client says %+v", here)
}

func startWebSocketPod(t *testing.T) *pod {
	t.Helper()
	app, address := startNode(t, "websocket-app.js")
	return startPod(t, app, address, append(realHold, "LAMEDUCK_TUNNEL_SPREAD=1s")...)
}

// A talker is a client of Node that comes back whenever its connection is closed.
type talker struct {
	*program
	stdin io.Closer
}

// startTalker returns when messages are under way.
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

// end makes the client's connection its last, and returns what it says of all when that has been closed.
func (c *talker) end(t *testing.T) []talk {
	t.Helper()
	_ = c.stdin.Close()
	c.wantExit(t, 0)
	return talks(t, c.program)
}

// wantWhole looks that both sides have been told that the other one goes, that all that the clients have sent has arrived, and that
// nothing has arrived in parts.
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
		t.Errorf("on %d connections the clients have sent %d messages, the apps have received %d on %d", len(clients), sent, received, len(apps))
	}
	for _, k := range append(clients, apps...) {
		if len(k.Faults) > 0 || k.Code != goingAway {
			t.Errorf("a connection that was closed with %d had the faults %v, want %d and none", k.Code, k.Faults, goingAway)
		}
		if !strings.Contains(k.Extensions, "permessage-deflate") {
			t.Errorf("a connection has the extensions %q, want that it compresses", k.Extensions)
		}
	}
}

// Node's library and browsers do not tell of a message that has been begun and not ended. Go's does: it is read as it comes.
func TestNoWebSocketClientIsToldWithinAMessage(t *testing.T) {
	t.Parallel()
	const clients = 20
	app, address := startPeerApp(t, "page")
	p := startPod(t, app, address, append(realHold, "LAMEDUCK_TUNNEL_SPREAD=1s")...)
	begun, ended := make(chan struct{}, clients), make(chan error, clients)
	for range clients {
		go func() { ended <- listenTo(t.Context(), "ws://"+p.duck.front+"/messages", begun) }()
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
	p.duck.wantQuietEnd(t)
}

// listenTo reads messages until the client is told to leave, and reports the first.
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
			return fmt.Errorf("begin message %d: %w", n, err)
		}
		if _, err := io.Copy(io.Discard, r); err != nil {
			return fmt.Errorf("read message %d: %w", n, err)
		}
		if n == 0 {
			begun <- struct{}{}
		}
	}
}

// talks returns what a script has said of its connections.
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
	nginx := startNginxBalancer(t, leaving.duck.front, staying.duck.front)
	clients := []*talker{}
	for range 4 {
		clients = append(clients, startTalker(t, "ws://127.0.0.1:"+nginx.websocket))
	}
	hook := leaving.beginEnd(t)
	<-time.After(lag)
	nginx.learn(t, staying.duck.front)
	leaving.end(t, hook)
	leaving.duck.wantQuietEnd(t)
	hook = staying.beginEnd(t)
	var here []talk
	for _, c := range clients {
		here = append(here, c.end(t)...)
	}
	staying.end(t, hook)
	staying.duck.wantQuietEnd(t)
	wantWhole(t, here, append(talks(t, leaving.app), talks(t, staying.app)...))
}
