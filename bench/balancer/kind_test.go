package balancer

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"slices"
	"testing"
	"time"

	"lameduck/bench/load"
)

// eachKind runs a test with every load balancer that can run here.
func eachKind(t *testing.T, test func(t *testing.T, k Kind)) {
	for _, k := range Kinds() {
		t.Run(string(k), func(t *testing.T) {
			if missing := k.Missing(); missing != "" {
				t.Skip("missing " + missing)
			}
			test(t, k)
		})
	}
}

// fleet starts load balancers over the given endpoints.
func fleet(t *testing.T, c FleetConfig, replicas ...*replica) *Fleet {
	c.Dir = t.TempDir()
	f, err := StartFleet(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, r := range replicas {
		if err := f.Add(t.Context(), r.addr); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

// loaded sends 100 requests per second to one address until the returned function is called.
func loaded(t *testing.T, addr, target string) (stop func() *load.Result) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan *load.Result)
	go func() {
		r, err := load.Run(ctx, load.Config{
			Addrs:    []string{addr},
			Arrivals: load.Constant(100),
			Requests: []load.Request{{Target: target}, {Target: target, NewConn: true}},
		})
		if err != nil {
			t.Error(err)
			r = new(load.Result)
		}
		done <- r
	}()
	return func() *load.Result {
		cancel()
		return <-done
	}
}

// last returns the time of the last request with the given target.
func (r *replica) last(target string) (at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, req := range r.requests {
		if req.RequestURI == target {
			at = r.arrived[i]
		}
	}
	return at
}

// longestGap returns the longest time between two requests with the given target.
func (r *replica) longestGap(target string) (gap time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var before time.Time
	for i, req := range r.requests {
		if req.RequestURI != target {
			continue
		}
		if !before.IsZero() {
			gap = max(gap, r.arrived[i].Sub(before))
		}
		before = r.arrived[i]
	}
	return gap
}

// count returns the number of requests with the given target.
func (r *replica) count(target string) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, req := range r.requests {
		if req.RequestURI == target {
			n++
		}
	}
	return n
}

// awaitRequests waits for n more requests with the given target.
func (r *replica) awaitRequests(t *testing.T, target string, n int) {
	t.Helper()
	want := r.count(target) + n
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for timeout := time.After(time.Minute); r.count(target) < want; {
		select {
		case <-tick.C:
		case <-timeout:
			t.Fatalf("%d requests for %s, want %d", r.count(target), target, want)
		}
	}
}

func TestEndpointIsServedUntilTheLagIsOver(t *testing.T) {
	lags := []time.Duration{100 * time.Millisecond, 2 * time.Second}
	eachKind(t, func(t *testing.T, k Kind) {
		goes, stays := start(t, answers(fine)), start(t, answers(fine))
		f := fleet(t, FleetConfig{Kind: k, Lags: lags, Keepalive: 8}, goes, stays)
		var stops []func() *load.Result
		for i, addr := range f.Addrs() {
			stops = append(stops, loaded(t, addr, fmt.Sprint("/", i)))
		}
		for i := range lags {
			goes.awaitRequests(t, fmt.Sprint("/", i), 1)
		}
		f.Remove(t.Context(), goes.addr)
		removals, err := f.Wait()
		if err != nil {
			t.Fatal(err)
		}
		// The load continues. Requests in flight to the endpoint are over when the other one has
		// had some more, and from then on there must be none.
		const some = 100
		for i := range lags {
			stays.awaitRequests(t, fmt.Sprint("/", i), some)
		}
		arrived := goes.count("/0") + goes.count("/1")
		for i := range lags {
			stays.awaitRequests(t, fmt.Sprint("/", i), some)
		}
		if late := goes.count("/0") + goes.count("/1") - arrived; late > 0 {
			t.Errorf("the endpoint got %d requests long after its removal", late)
		}
		for _, stop := range stops {
			t.Log(stop().ByCause())
		}
		if len(removals) != len(lags) {
			t.Fatalf("%d removals, want %d", len(removals), len(lags))
		}
		for _, r := range removals {
			last, due := goes.last(fmt.Sprint("/", r.Node)), r.Requested.Add(lags[r.Node])
			// The endpoint gets 50 requests each second. A busy machine may delay them, so the
			// last second of the lag is not checked, nor a time in which there were none.
			allowed := min(time.Second, lags[r.Node]) + stays.longestGap(fmt.Sprint("/", r.Node))
			if early := due.Sub(last); early > allowed {
				t.Errorf("node %d sent the last request %v before its lag of %v was over", r.Node, early, lags[r.Node])
			}
			if r.Done.Before(due) || r.Done.Sub(due) > time.Minute {
				t.Errorf("node %d removed the endpoint after %v, want its lag of %v", r.Node, r.Done.Sub(r.Requested), lags[r.Node])
			}
			t.Logf("node %d: done %v after the lag, last request %v after the lag", r.Node, r.Done.Sub(due), last.Sub(due))
		}
	})
}

func TestRemovalsCloseToOneAnotherBothTakeEffect(t *testing.T) {
	eachKind(t, func(t *testing.T, k Kind) {
		a, b, stays := start(t, answers(fine)), start(t, answers(fine)), start(t, answers(fine))
		f := fleet(t, FleetConfig{Kind: k, Keepalive: 8}, a, b, stays)
		f.Remove(t.Context(), a.addr)
		f.Remove(t.Context(), b.addr)
		removals, err := f.Wait()
		if err != nil || len(removals) != 2 {
			t.Fatalf("got %v, %v; want two removals", removals, err)
		}
		for range 6 {
			if status, _, _ := sendTo(t, f.Addrs()[0], "GET", ""); status != 200 {
				t.Errorf("answered %d", status)
			}
		}
		for name, r := range map[string]*replica{"first": a, "second": b} {
			if n, _ := r.seen(); n > 0 {
				t.Errorf("the endpoint removed %s got %d requests after that", name, n)
			}
		}
	})
}

func TestRequestUnderWayIsFinishedAfterTheRemoval(t *testing.T) {
	eachKind(t, func(t *testing.T, k Kind) {
		arrived, finish := make(chan struct{}), make(chan struct{})
		slow := start(t, func(c *net.TCPConn) {
			close(arrived)
			<-finish
			io.WriteString(c, fine)
		})
		f := fleet(t, FleetConfig{Kind: k, Keepalive: 8}, slow)
		if err := f.Add(t.Context(), start(t, answers(fine)).addr); err != nil {
			t.Fatal(err)
		}
		done := make(chan int, 4)
		go func() { // one of them reaches the slow endpoint
			for range 2 {
				go func() {
					status, _, _ := sendTo(t, f.Addrs()[0], "POST", "x")
					done <- status
				}()
			}
		}()
		<-arrived
		f.Remove(t.Context(), slow.addr)
		if _, err := f.Wait(); err != nil {
			t.Error(err)
		}
		close(finish)
		for range 2 {
			if got := <-done; got != 200 {
				t.Errorf("a request under way was answered %d, want 200", got)
			}
		}
	})
}

func TestKeptConnectionsToAnEndpointAreUsedAgain(t *testing.T) {
	eachKind(t, func(t *testing.T, k Kind) {
		for _, keepalive := range []int{0, 8} {
			r := start(t, answers(fine))
			f := fleet(t, FleetConfig{Kind: k, Keepalive: keepalive}, r)
			c := &http.Client{Transport: &http.Transport{}}
			defer c.CloseIdleConnections()
			fresh := 0 // connections of the client
			trace := &httptrace.ClientTrace{GotConn: func(c httptrace.GotConnInfo) {
				if !c.Reused {
					fresh++
				}
			}}
			for i := range 20 {
				method := []string{"GET", "POST"}[i%2]
				req, _ := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), trace), method,
					"http://"+f.Addrs()[0]+"/", nil)
				resp, err := c.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				body, _ := io.ReadAll(resp.Body)
				resp.Body.Close()
				if resp.StatusCode != 200 || string(body) != "ok" {
					t.Errorf("%s was answered %d %q", method, resp.StatusCode, body)
				}
			}
			most := 1 + fresh
			switch {
			case keepalive == 0:
				most = 20
			case k == Caddy:
				most++ // Go's transport does not use a connection again if it has had no CPU for 50 ms
			}
			requests, conns := r.seen()
			if requests != 20 || conns > most || keepalive == 0 && conns != 20 {
				t.Errorf("keep-alive %d: %d requests used %d connections", keepalive, requests, conns)
			}
			if want := slices.Repeat([]string{"127.0.1.1"}, conns); k != Caddy && !slices.Equal(r.sources, want) {
				t.Errorf("connections from %v, want 127.0.1.1", r.sources)
			}
		}
	})
}

func TestNodesSendFromTheAddressThatIsSet(t *testing.T) {
	eachKind(t, func(t *testing.T, k Kind) {
		// 0.0.0.0 leaves it to the system, which takes the loopback's own.
		for source, want := range map[string]string{"127.0.7.7": "127.0.7.7", "0.0.0.0": "127.0.0.1"} {
			r := start(t, answers(fine))
			f := fleet(t, FleetConfig{Kind: k, Source: netip.MustParseAddr(source)}, r)
			resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Get("http://" + f.Addrs()[0] + "/")
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if r.seen(); k != Caddy && !slices.Equal(r.sources, []string{want}) {
				t.Errorf("with %s: connections from %v, want %s", source, r.sources, want)
			}
		}
	})
}
