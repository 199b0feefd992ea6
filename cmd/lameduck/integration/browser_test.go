package integration

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// A pageReport is what the page in the browser reports.
type pageReport struct {
	Kind     string
	Code     int  // of the close frame
	Clean    bool // the WebSocket had a closing handshake
	Received int  // messages on this WebSocket, or events on all connections
	Whole    bool // all were complete and in order
}

// The page reconnects its WebSocket. Its EventSource reconnects by itself and requests the events
// that it has missed. The pod closes both, serves them again, and closes them again.
func TestABrowserReconnectsInADrain(t *testing.T) {
	t.Parallel()
	app, address := startPeerApp(t, "page")
	p := startPod(t, app, address, append(realHold, "LAMEDUCK_TUNNEL_SPREAD=1s", "LAMEDUCK_GRACE_PERIOD=120s")...)
	reports := make(chan pageReport, 1000)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var report pageReport
		if err := json.NewDecoder(r.Body).Decode(&report); err != nil {
			t.Errorf("invalid report of the page: %v", err)
		}
		reports <- report
	}))
	defer server.Close()
	browser := startBrowser(t, fmt.Sprintf("http://%s/#%s", p.lameduck.front, server.URL))
	awaitReports(t, reports, map[string]int{"websocket open": 1, "events open": 1})
	hook := p.beginEnd(t)
	awaitReports(t, reports, map[string]int{
		"websocket closed": 2, "websocket open": 2, "events ended": 2, "events open": 2,
	})
	browser.stop()
	p.end(t, hook)
	p.lameduck.wantQuietEnd(t)
}

// awaitReports waits until the page has reported each kind of event as often as wanted, and checks
// each report.
func awaitReports(t *testing.T, reports <-chan pageReport, want map[string]int) {
	t.Helper()
	for len(want) > 0 {
		r := receive(t, reports, fmt.Sprintf("report of %v", want))
		switch {
		case r.Kind == "websocket closed" && (r.Code != goingAway || !r.Clean || !r.Whole):
			t.Errorf("the page reports %+v, want a clean end with %d and whole messages", r, goingAway)
		case strings.HasPrefix(r.Kind, "events") && r.Received > 0 && !r.Whole:
			t.Errorf("the page reports %+v, want whole events and none missing", r)
		}
		if want[r.Kind]--; want[r.Kind] <= 0 {
			delete(want, r.Kind)
		}
	}
}

// A browser is a headless Chromium.
type browser struct{ *program }

func startBrowser(t *testing.T, url string) *browser {
	t.Helper()
	profile, err := os.MkdirTemp("", "lameduck-browser")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(profile) })
	path := requireProgram(t, "chromium", "chromium-browser", "google-chrome")
	b := &browser{start(t, []string{"XDG_CONFIG_HOME=" + profile, "XDG_CACHE_HOME=" + profile}, path,
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--disable-breakpad",
		"--user-data-dir="+profile, url)}
	return b
}

// stop kills the browser and its children.
func (b *browser) stop() {
	killTree(b.pid())
	<-b.ended
}

//go:embed testdata/page.html
var pageHTML []byte

// runPage serves the page, the messages for its WebSocket and the events for its EventSource.
func runPage(args []string) error {
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(pageHTML) })
	mux.HandleFunc("/messages", sendMessages)
	mux.HandleFunc("/events", sendEvents)
	return http.ListenAndServe(args[0], mux)
}

// pageMessage returns the n-th message or event, which the page expects.
func pageMessage(n int) string { return strings.Repeat(fmt.Sprintf("%d ", n), 1+n*977%3000) }

// pagePace is the pause between two messages or events.
const pagePace = 5 * time.Millisecond

// sendMessages sends messages in two frames each.
func sendMessages(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, &websocket.AcceptOptions{CompressionMode: websocket.CompressionContextTakeover})
	if err != nil {
		return
	}
	defer c.CloseNow()
	ctx := c.CloseRead(r.Context())
	for n := 0; ; n++ {
		m, err := c.Writer(ctx, websocket.MessageText)
		if err != nil {
			return
		}
		text := pageMessage(n)
		_, _ = m.Write([]byte(text[:len(text)/2]))
		<-time.After(pagePace)
		_, _ = m.Write([]byte(text[len(text)/2:]))
		if m.Close() != nil {
			return
		}
	}
}

// sendEvents sends events in two writes each. It resumes after the client's Last-Event-ID.
func sendEvents(w http.ResponseWriter, r *http.Request) {
	first := 0
	if last, err := strconv.Atoi(r.Header.Get("Last-Event-ID")); err == nil {
		first = last + 1
	}
	w.Header().Set("Content-Type", "text/event-stream")
	flush := http.NewResponseController(w).Flush
	fmt.Fprint(w, "retry: 100\n\n")
	for n := first; r.Context().Err() == nil; n++ {
		text := pageMessage(n)
		fmt.Fprintf(w, "id: %d\ndata: %s", n, text[:len(text)/2])
		_ = flush()
		<-time.After(pagePace)
		fmt.Fprintf(w, "%s\n\n", text[len(text)/2:])
		_ = flush()
	}
}
