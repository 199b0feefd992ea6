package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

// A talk is what the scripts say of one WebSocket connection.
type talk struct {
	Sent, Received int // messages
	Faults         []string
	Code           int // with which it was closed
}

// goingAway is what a client is told (RFC 6455 section 7.4.1).
const goingAway = 1001

// The client comes back to the same pod as long as its load balancer knows no better, and is told again. Both sides compress, and
// send every other message in frames with pauses between them, so that nearly always one is under way.
func TestWebSocketMessagesArriveWholeInADrain(t *testing.T) {
	t.Parallel()
	app, address := startNode(t, "websocket-app.js")
	p := startPod(t, app, address, append(realHold, "LAMEDUCK_TUNNEL_SPREAD=1s")...)
	command := nodeScript(t, "websocket-client.js", "ws://"+p.duck.front, "4")
	client := start(t, nil, command[0], command[1:]...)
	client.stdout.await(t, "talking", func(l string) bool { return l == "talking" })
	hook := p.beginEnd(t)
	client.wantExit(t, 0)
	p.end(t, hook)
	p.duck.wantQuietEnd(t)
	p.duck.wantTerminationLog(t, "websocket connections ended: 4 by told")
	there, here := talks(t, app), talks(t, client)
	if len(here) != 4 || len(there) != len(here) {
		t.Fatalf("the client has had %d connections, the app %d, want 4", len(here), len(there))
	}
	for i, c := range here {
		a := there[i]
		switch {
		case len(c.Faults) > 0 || len(a.Faults) > 0:
			t.Errorf("connection %d: the client has found %v, the app %v", i, c.Faults, a.Faults)
		case c.Code != goingAway || a.Code != goingAway:
			t.Errorf("connection %d: the client is told %d, and the app %d, want %d", i, c.Code, a.Code, goingAway)
		case c.Sent != a.Received:
			t.Errorf("connection %d: of the client's %d messages %d have arrived", i, c.Sent, a.Received)
		case a.Sent < c.Received:
			t.Errorf("connection %d: of the app's %d messages %d have arrived", i, a.Sent, c.Received)
		}
	}
	t.Logf("the client says %+v", here)
}

// Node's library does not tell of a message that has been begun and not ended. Go's does: it is read as it comes.
func TestNoWebSocketClientIsToldWithinAMessage(t *testing.T) {
	t.Parallel()
	const clients = 20
	app, address := startNode(t, "websocket-app.js")
	p := startPod(t, app, address, append(realHold, "LAMEDUCK_TUNNEL_SPREAD=1s")...)
	begun, ended := make(chan struct{}, clients), make(chan error, clients)
	for range clients {
		go func() { ended <- listenTo(t.Context(), "ws://"+p.duck.front, begun) }()
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
