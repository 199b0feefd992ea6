package integration

import (
	"errors"
	"io"
	"net"
	"sync"
	"syscall"
	"testing"
	"time"
)

// prober sends requests from outside the pod, each on a new connection, one after the other.
type prober struct {
	address string
	stop    chan struct{}
	running sync.WaitGroup

	mu      sync.Mutex
	results []probeResult
}

type probeResult struct {
	sent time.Time
	err  error
}

func probe(t *testing.T, address string) *prober {
	p := &prober{address: address, stop: make(chan struct{})}
	p.running.Go(p.run)
	t.Cleanup(func() { p.end() })
	return p
}

func (p *prober) run() {
	for {
		select {
		case <-p.stop:
			return
		case <-time.After(time.Millisecond):
		}
		sent := time.Now()
		_, conn, err := sendRequest(nil, p.address)
		if conn != nil {
			_ = conn.Close()
		}
		p.mu.Lock()
		p.results = append(p.results, probeResult{sent, err})
		p.mu.Unlock()
	}
}

// answered returns the number of requests since a time that were answered.
func (p *prober) answered(since time.Time) (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.results {
		if r.err == nil && r.sent.After(since) {
			n++
		}
	}
	return n
}

func (p *prober) end() []probeResult {
	select {
	case <-p.stop:
	default:
		close(p.stop)
	}
	p.running.Wait()
	return p.results
}

// After a kill and a restart, connections are refused only until the new process listens.
func TestRedirect_ARestartRefusesUntilTheProcessListens(t *testing.T) {
	t.Parallel()
	p := startRedirectedPod(t)
	address := net.JoinHostPort(p.address, "8080")
	_, kept, err := sendRequest(nil, address)
	if err != nil {
		t.Fatal(err)
	}
	defer kept.Close()
	clients := probe(t, address)
	eventually(t, "clients are relayed", func() bool { return clients.answered(time.Time{}) > 20 })
	p.signal(t, syscall.SIGKILL)
	p.wait(t)
	killed := time.Now()
	p.serve(t, nil, "LAMEDUCK_ROUTES=18080=8080")
	serving := logTime(t, p.logged(t, "serving"))
	eventually(t, "clients are relayed again", func() bool { return clients.answered(serving) > 20 })
	wantRefusedUntil(t, clients.end(), killed, serving)
	_ = kept.SetReadDeadline(time.Now().Add(waitTimeout))
	if n, err := kept.Read(make([]byte, 1)); !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("a kept connection was not closed: read %d bytes, %v", n, err)
	}
	if n := p.exchanges(t); n < 20 {
		t.Errorf("%d requests were relayed after the restart: the rules are gone", n)
	}
	p.terminate(t)
}

// wantRefusedUntil expects that no request failed which was sent after a time, and logs the gap.
func wantRefusedUntil(t *testing.T, results []probeResult, killed, serving time.Time) {
	t.Helper()
	refused := 0
	var first, last time.Time
	for _, r := range results {
		switch {
		case r.err == nil:
			continue
		case r.sent.After(serving):
			t.Errorf("a request %v after the relay serves failed: %v", r.sent.Sub(serving), r.err)
		case errors.Is(r.err, syscall.ECONNREFUSED):
			refused++
		case r.sent.After(killed):
			t.Errorf("a request without a relay was not refused: %v", r.err)
		}
		if first.IsZero() {
			first = r.sent
		}
		last = r.sent
	}
	if refused == 0 {
		t.Error("no request was refused, so the test proves nothing")
	}
	t.Logf("%d requests were refused within %v; the process served %v after its start",
		refused, last.Sub(first), serving.Sub(killed))
}
