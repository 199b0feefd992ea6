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

// A memoryGroup is a control group with a memory limit.
type memoryGroup struct {
	dir  string
	peak string // file with the most memory that was in use
}

// newMemoryGroup creates a control group below that of the tests. Without the right to do so the
// test is skipped.
func newMemoryGroup(t *testing.T, limit int) *memoryGroup {
	t.Helper()
	for _, v := range []struct{ parent, limitFile, peak string }{
		{v1MemoryGroup(), "memory.limit_in_bytes", "memory.max_usage_in_bytes"},
		{"/sys/fs/cgroup", "memory.max", "memory.peak"},
	} {
		dir, err := os.MkdirTemp(v.parent, "lameduck-test-")
		if v.parent == "" || err != nil {
			continue
		}
		t.Cleanup(func() {
			if err := os.Remove(dir); err != nil {
				t.Errorf("remove the control group: %v", err)
			}
		})
		if os.WriteFile(filepath.Join(dir, v.limitFile), []byte(strconv.Itoa(limit)), 0o644) == nil {
			return &memoryGroup{dir, v.peak}
		}
	}
	t.Skip("needs the right to make control groups with a memory limit")
	return nil
}

// v1MemoryGroup returns the directory of the tests' own group of version 1, if there is one.
func v1MemoryGroup() string {
	groups, _ := os.ReadFile("/proc/self/cgroup")
	for l := range strings.Lines(string(groups)) {
		if _, path, ok := strings.Cut(strings.TrimSpace(l), ":memory:"); ok {
			return filepath.Join("/sys/fs/cgroup/memory", path)
		}
	}
	return ""
}

// start starts lameduck in the group.
func (g *memoryGroup) start(t *testing.T, app string, env ...string) *lameduck {
	t.Helper()
	d, env := prepare(t, app, env...)
	command := fmt.Sprintf("echo $$ >%s/cgroup.procs && exec %s serve", g.dir, programPath("lameduck"))
	d.program = start(t, env, "/bin/sh", "-c", command)
	d.logged(t, "serving")
	return d
}

// peakUsage returns the peak memory usage in bytes.
func (g *memoryGroup) peakUsage(t *testing.T) int {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(g.dir, g.peak))
	if err != nil {
		t.Skip(err) // an older kernel
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// manifestLimit is the memory limit in the manifests. The race detector needs more.
func manifestLimit() int {
	if raceEnabled {
		return 4 << 30
	}
	return 256 << 20
}

func TestThousandsOfConnectionsToTheAdminPortFitIntoTheMemoryOfTheManifests(t *testing.T) {
	g := newMemoryGroup(t, manifestLimit())
	app := startApp(t)
	d := g.start(t, app.addr, "LAMEDUCK_HOOK_WINDOW=10m")
	hook := d.hold(t)
	d.awaitHook(t)
	for _, attack := range []struct {
		connections int
		request     string
	}{
		{14_000, "GET /livez HTTP/1.1\r\nHost: lameduck\r\n\r\n"}, // idle afterwards
		{3_000, "GET /livez HTTP/1.1\r\nX: " + strings.Repeat("x", 10_000)},
		{3_000, holdRequest},
		{3_000, holdRequest + strings.Repeat("x", 10_000)},
	} {
		conns := crowd(t, attack.connections, d.admin, attack.request)
		d.wantRunning(t, "it has enough memory")
		for _, c := range conns {
			_ = c.Close()
		}
	}
	if a := d.get(t, "/"); a.body != "hello" {
		t.Errorf("answer %+v, want the app's", a)
	}
	d.drain(t)
	if a := receive(t, hook, "answer to the hook"); a.body != "drained\n" {
		t.Errorf("the hook got the answer %q, want drained", a.body)
	}
	app.die()
	d.wantExit(t, exitOK)
	peak := g.peakUsage(t)
	t.Logf("%d MB of %d MB", peak>>20, manifestLimit()>>20)
	if peak > manifestLimit()/2 && !raceEnabled {
		t.Errorf("%d MB were in use, want at most half of the limit", peak>>20)
	}
}

func TestTheMemoryLimitOfTheControlGroupIsThatOfTheRuntime(t *testing.T) {
	t.Parallel()
	const limit = 900 << 20
	g := newMemoryGroup(t, limit)
	for env, want := range map[string]string{
		"GOGC=100":          strconv.FormatFloat(limit/3*2, 'g', -1, 64),
		"GOMEMLIMIT=100MiB": "1.048576e+08",
	} {
		d := g.start(t, startApp(t).addr, env)
		if got := d.metric(t, "go_gc_gomemlimit_bytes"); got != want {
			t.Errorf("with %s: limit of the runtime %s, want %s", env, got, want)
		}
		d.signal(t, syscall.SIGTERM)
		d.wantExit(t, exitOK)
	}
}

// The attacks make lameduck buffer as much as possible for slow clients.
func TestSlowClientsFitIntoTheMemoryOfTheManifests(t *testing.T) {
	head := "GET / HTTP/1.1\r\nHost: app\r\nX: "
	for name, attack := range map[string]struct {
		connections int
		request     string
	}{
		"heads of 64 KB that do not end":     {5_000, head + strings.Repeat("x", 60_000)},
		"heads of a byte more than a buffer": {5_000, head + strings.Repeat("x", 16<<10)},
		"heads of a few bytes":               {7_000, head},
		"heads after requests":               {5_000, "GET /silent HTTP/1.1\r\nHost: app\r\n\r\n" + head + strings.Repeat("x", 60_000)},
		"responses that are not received":    {3_000, "GET /endless HTTP/1.1\r\nHost: app\r\n\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			g := newMemoryGroup(t, manifestLimit())
			app := startApp(t)
			memory := "derived"
			if raceEnabled { // the race detector needs several times as much
				memory = "64MiB"
			}
			d := g.start(t, app.addr, "LAMEDUCK_HOLD_MAX=4s", "LAMEDUCK_SLOW_CLIENT_MEMORY="+memory)
			d.withstand(t, attack.connections, attack.request)
			hook := d.hold(t)
			d.awaitHook(t)
			d.drain(t)
			if a := receive(t, hook, "answer to the hook"); a.body != "drained\n" {
				t.Errorf("the hook got the answer %q, want drained", a.body)
			}
			app.die()
			d.wantExit(t, exitOK)
			t.Logf("%d MB of %d MB", g.peakUsage(t)>>20, manifestLimit()>>20)
		})
	}
}

// slowDownload is sent to each of slowReaders clients that do not read. Lameduck may grow by
// slowReaderCost for each: a few buffers, and what the race detector adds.
const (
	slowReaders    = 8
	slowDownload   = 16 << 20 // more than the kernel buffers
	slowReaderCost = 2 << 20
)

func TestAnHTTP2ClientThatDoesNotReadCostsNoMemory(t *testing.T) {
	t.Parallel()
	root := publicDir(t)
	randomFile(t, filepath.Join(root, "file"), slowDownload)
	_, address := goHTTP2.start(t, root)
	d := startServe(t, address)
	download := func(rate string) (clients []*program) {
		for range slowReaders {
			clients = append(clients, start(t, nil, requireProgram(t, "curl"),
				"-sSf", "--http2-prior-knowledge", "-o", os.DevNull, "-w", "%{size_download}",
				"--limit-rate", rate, "http://"+d.front+"/file"))
		}
		return clients
	}
	for _, c := range download("10M") {
		c.wantExit(t, 0)
	}
	before := d.settledMemory(t)
	clients := download("2M") // for eight seconds
	d.awaitMetric(t, "lameduck_exchanges_in_flight", strconv.Itoa(slowReaders))
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
			t.Errorf("curl received %s bytes, want %d", got, slowDownload)
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

// runWebSocket sends messages to every client as fast as the client reads.
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

// settledMemory waits until nothing is relayed and returns the resident anonymous memory of the
// process in bytes.
func (d *lameduck) settledMemory(t *testing.T) (n int) {
	t.Helper()
	last, since := "", time.Now()
	eventually(t, "nothing is relayed", func() bool {
		if now := d.metric(t, `lameduck_relayed_bytes_total{direction="response"}`); now != last {
			last, since = now, time.Now()
		}
		return time.Since(since) > time.Second
	})
	if _, err := fmt.Sscanf(statusLine(t, d.pid(), "RssAnon"), "%d kB", &n); err != nil {
		t.Fatalf("RssAnon: %v", err)
	}
	return n << 10
}

// wantMemory expects that the process has hardly grown for the slow readers.
func (d *lameduck) wantMemory(t *testing.T, before int) {
	t.Helper()
	grown := d.settledMemory(t) - before
	if grown > slowReaders*slowReaderCost {
		t.Errorf("lameduck grew from %d by %d bytes, want at most %d", before, grown, slowReaders*slowReaderCost)
	}
	t.Logf("lameduck has grown from %d by %d bytes", before, grown)
}

// withstand expects that lameduck serves another client during an attack.
func (d *lameduck) withstand(t *testing.T, connections int, request string) {
	t.Helper()
	conns := crowd(t, connections, d.front, request)
	defer func() {
		for _, c := range conns {
			_ = c.Close()
		}
	}()
	d.wantRunning(t, "it has enough memory")
	if a := d.get(t, "/"); a.body != "hello" {
		t.Errorf("answer %+v to another client, want the app's", a)
	}
	t.Logf("held: %s bytes, disconnected: %s",
		d.metric(t, "lameduck_slow_client_bytes"), d.metric(t, "lameduck_slow_clients_disconnected_total"))
}
