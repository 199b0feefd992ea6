package integration

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// What is sent to each of so many clients that do not read, and by how much lameduck may grow for each: a few buffers, and what the
// race detector adds to them.
const (
	slowReaders    = 8
	slowDownload   = 16 << 20 // more than the kernel takes on the way
	slowReaderCost = 2 << 20
)

func TestAnHTTP2ClientThatDoesNotReadCostsNoMemory(t *testing.T) {
	t.Parallel()
	root := publicDir(t)
	randomFile(t, filepath.Join(root, "file"), slowDownload)
	_, address := goHTTP2.start(t, root)
	d := startServe(t, address)
	download := func() (clients []*program) {
		for range slowReaders {
			clients = append(clients, start(t, nil, requireProgram(t, "curl"),
				"-sSf", "--http2-prior-knowledge", "-o", os.DevNull, "-w", "%{size_download}", "--limit-rate", "10M", "http://"+d.front+"/file"))
		}
		return clients
	}
	for _, c := range download() {
		c.wantExit(t, 0)
	}
	before := d.settledMemory(t)
	clients := download()
	for _, c := range clients {
		c.signal(t, syscall.SIGSTOP)
	}
	d.wantMemory(t, before)
	for _, c := range clients {
		c.signal(t, syscall.SIGCONT)
	}
	for _, c := range clients {
		c.wantExit(t, 0)
		if got := c.stdout.String(); got != strconv.Itoa(slowDownload) {
			t.Errorf("curl has received %s bytes, want %d", got, slowDownload)
		}
	}
}

func TestAWebSocketClientThatDoesNotReadCostsNoMemory(t *testing.T) {
	t.Parallel()
	_, address := startPeerApp(t, "websocket")
	d := startServe(t, address)
	dial := func() (clients []*websocket.Conn) {
		for range slowReaders {
			c, _, err := websocket.Dial(t.Context(), "ws://"+d.front, nil)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = c.CloseNow() })
			c.SetReadLimit(-1)
			clients = append(clients, c)
		}
		return clients
	}
	for _, c := range dial() {
		readMessages(t, c)
		_ = c.CloseNow()
	}
	before := d.settledMemory(t)
	clients := dial()
	d.wantMemory(t, before)
	for _, c := range clients {
		readMessages(t, c)
	}
}

func readMessages(t *testing.T, c *websocket.Conn) {
	t.Helper()
	for n := range slowDownload / wholeMessage {
		if _, b, err := c.Read(t.Context()); err != nil || len(b) != wholeMessage || b[0] != byte(n) {
			t.Fatalf("message %d has %d bytes, %v, want %d", n, len(b), err, wholeMessage)
		}
	}
}

// wholeMessage is the size of the messages of the WebSocket peer.
const wholeMessage = 64 << 10

// runWebSocket sends messages to every client as fast as they are taken.
func runWebSocket(args []string) error {
	return http.ListenAndServe(args[0], http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer c.CloseNow()
		b := make([]byte, wholeMessage)
		for err == nil {
			err = c.Write(context.Background(), websocket.MessageBinary, b)
			b[0]++
		}
	}))
}

// settledMemory waits until nothing is relayed any more and returns what is resident of the process, in bytes, files aside.
func (d *duck) settledMemory(t *testing.T) (n int) {
	t.Helper()
	last, since := "", time.Now()
	eventually(t, "nothing is relayed any more", func() bool {
		if now := d.metric(t, `lameduck_relayed_bytes_total{direction="response"}`); now != last {
			last, since = now, time.Now()
		}
		return time.Since(since) > time.Second
	})
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", d.pid()))
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(status), "RssAnon:")
	if _, err := fmt.Sscanf(text, "%d kB", &n); err != nil {
		t.Fatalf("RssAnon in %s: %v", status, err)
	}
	return n << 10
}

// wantMemory looks that the process has hardly grown for the slow readers.
func (d *duck) wantMemory(t *testing.T, before int) {
	t.Helper()
	grown := d.settledMemory(t) - before
	if grown > slowReaders*slowReaderCost {
		t.Errorf("lameduck has grown from %d by %d bytes, want %d at most", before, grown, slowReaders*slowReaderCost)
	}
	t.Logf("lameduck has grown from %d by %d bytes", before, grown)
}
