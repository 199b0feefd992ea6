package measure

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"lameduck/deploy/deploytest"
)

var quiet = log.New(io.Discard, "", 0)

// An aborter is a server that ends every fifth request of each method without a response, after the
// first ones. So it knows how many requests were lost.
type aborter struct {
	mu            sync.Mutex
	seen, aborted map[string]int
}

func newAborter() *aborter { return &aborter{seen: map[string]int{}, aborted: map[string]int{}} }

func (a *aborter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
	a.mu.Lock()
	a.seen[r.Method]++
	abort := a.seen[r.Method]%5 == 0
	if abort {
		a.aborted[r.Method]++
	}
	a.mu.Unlock()
	if abort {
		panic(http.ErrAbortHandler)
	}
	io.WriteString(w, "ok")
}

func TestEachLostRequestIsCountedOnce(t *testing.T) {
	for _, p := range []Protocol{HTTP1, HTTP2} {
		t.Run(string(p), func(t *testing.T) {
			t.Parallel()
			a := newAborter()
			cfg := config(t, serve(t, a.ServeHTTP), 200)
			cfg.Protocols = []Protocol{p}
			r := run(t, cfg)
			lost := map[string]int{}
			for _, l := range r.Lanes {
				lost[l.Method] += l.Lost
				if l.Lost == 0 {
					t.Errorf("%s lost none of %d requests, want some", l.Name(), l.Requests)
				}
			}
			for method, want := range a.aborted {
				if lost[method] != want {
					t.Errorf("%d of the %s requests are lost, and the server aborted %d", lost[method], method, want)
				}
				// The probe made one request of each method.
				if a.seen[method] != 101 {
					t.Errorf("the server saw %d %s requests, and 101 were sent", a.seen[method], method)
				}
			}
		})
	}
}

// This is why the requests are not made with Go's default client: it sends a GET again if a kept
// connection ends before the response, and so do the load generators that are built on it.
func TestTheDefaultClientLosesCount(t *testing.T) {
	t.Parallel()
	a := newAborter()
	target := serve(t, a.ServeHTTP)
	client := &http.Client{Transport: new(http.Transport)}
	defer client.CloseIdleConnections()
	lost := 0
	for range 100 {
		resp, err := client.Get(target)
		if err != nil {
			lost++
			continue
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
	if a.aborted["GET"] < 20 || lost >= a.aborted["GET"] || a.seen["GET"] <= 100 {
		t.Errorf("the default client reports %d losses, the server aborted %d of %d: it counts right now?",
			lost, a.aborted["GET"], a.seen["GET"])
	}
}

// serveApp serves until it is killed. It writes a byte to the file at $MEASURE_TEST_COUNT for each
// request that begins.
func serveApp(addr string) {
	begun, err := os.OpenFile(os.Getenv("MEASURE_TEST_COUNT"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		log.Fatal(err)
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("serving")
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun.Write([]byte{'.'})
		io.Copy(io.Discard, r.Body)
		time.Sleep(20 * time.Millisecond) // so that requests are in flight when it is killed
		io.WriteString(w, "ok")
	})
	log.Fatal((&http.Server{Handler: handler, Protocols: unencrypted()}).Serve(l))
}

// app starts the app and waits until it serves.
func app(t *testing.T, addr, count string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), appVariable+"="+addr, "MEASURE_TEST_COUNT="+count)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	if _, err := io.ReadFull(out, make([]byte, len("serving"))); err != nil {
		t.Fatalf("the app does not start: %v", err)
	}
	return cmd
}

func TestAnAppThatIsKilledAndStartedAgainLosesRequestsInEveryLane(t *testing.T) {
	t.Parallel()
	addr, count := deploytest.FreeAddr(t), filepath.Join(t.TempDir(), "count")
	if err := os.WriteFile(count, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	first := app(t, addr, count)
	cfg := config(t, "http://"+addr+"/", 0)
	cfg.Protocols = []Protocol{HTTP1, HTTP2}
	m, err := New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	probes := len(m.Lanes()) / 2
	lanes := make(chan *Report)
	go func() {
		ctx, stop := contextUntil(t, m, first, func() { app(t, addr, count) })
		defer stop()
		r, err := m.Run(ctx)
		if err != nil {
			t.Error(err)
		}
		lanes <- m.Report(r, "time")
	}()
	r := <-lanes
	for _, l := range r.Lanes {
		if l.Lost == 0 || l.Lost == l.Requests {
			t.Errorf("%s lost %d of %d, want some", l.Name(), l.Lost, l.Requests)
		}
	}
	text, err := os.ReadFile(count)
	if err != nil {
		t.Fatal(err)
	}
	begun := strings.Count(string(text), ".") - probes
	if begun > r.Requests {
		t.Errorf("the app got %d requests, but only %d were sent", begun, r.Requests)
	}
	if answered := r.Requests - r.Lost; answered > begun {
		t.Errorf("%d requests count as answered, but the app got %d", answered, begun)
	}
	expectSums(t, r)
}

// expectSums looks that the counts of a report agree with each other.
func expectSums(t *testing.T, r *Report) {
	t.Helper()
	lanes, lost, causes, bins := 0, 0, 0, 0
	for _, l := range r.Lanes {
		lanes, lost = lanes+l.Requests, lost+l.Lost
	}
	for _, n := range r.Causes {
		causes += n
	}
	for _, b := range r.Timeline {
		bins += b.Requests
	}
	if lanes != r.Requests || bins != r.Requests || lost != r.Lost || causes != r.Lost || len(r.Failures) != r.Lost {
		t.Errorf("of %d requests, lanes have %d and bins %d; of %d lost, lanes have %d, causes %d, failures %d",
			r.Requests, lanes, bins, r.Lost, lost, causes, len(r.Failures))
	}
}
