package rollout

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	ktesting "k8s.io/client-go/testing"

	"lameduck/bench/balancer"
	pods "lameduck/bench/rollout"
	"lameduck/deploy/ctl/measure"
	"lameduck/deploy/deploytest"
)

// A behind is a measurement behind a load balancer with a known delay.
type behind struct {
	kind     balancer.Kind
	lameduck bool
	lag      time.Duration
}

// lag is longer than the slowest app takes to exit.
const lag = 1500 * time.Millisecond

// The counts are those of a witness between the load and the load balancer. The delay is that of
// the load balancer, and with Lameduck that of the last request that the app got. nginx routes no
// request for ten seconds to a pod that has refused one request, so without Lameduck its delay is
// the time of the last request that it lost.
func TestCountsAndDelaysAreTrueBehindEveryLoadBalancer(t *testing.T) {
	cases := []behind{
		{balancer.BuiltIn, false, lag}, {balancer.BuiltIn, true, lag}, {balancer.HAProxy, false, lag},
		{balancer.Nginx, true, lag}, {balancer.Caddy, false, lag},
	}
	if os.Getenv("TEST_LONG") != "" {
		cases = nil
		for _, kind := range balancer.Kinds() {
			for _, delay := range []time.Duration{0, lag, 5 * time.Second} {
				cases = append(cases, behind{kind, false, delay}, behind{kind, true, delay})
			}
		}
	}
	programs := [2]string{deploytest.Build(t, "lameduck/bench/app"), deploytest.Build(t, "lameduck/cmd/lameduck")}
	for _, b := range cases {
		t.Run(b.name(), func(t *testing.T) {
			t.Parallel()
			if missing := b.kind.Missing(); missing != "" {
				t.Skip("missing program: " + missing)
			}
			b.expectTruth(t, programs[0], programs[1])
		})
	}
}

func (b behind) name() string {
	if b.lameduck {
		return string(b.kind) + " lameduck " + b.lag.String()
	}
	return string(b.kind) + " bare " + b.lag.String()
}

// tries is how often a measurement is made on a machine that does not keep up.
const tries = 5

func (b behind) expectTruth(t *testing.T, app, lameduck string) {
	for try := 1; ; try++ {
		problems, keptUp := b.compare(t, app, lameduck)
		if len(problems) == 0 {
			return
		}
		if keptUp || try == tries {
			t.Error(strings.Join(problems, "\n"))
			return
		}
		t.Logf("the machine did not keep up, so this is measured again: %s", strings.Join(problems, "\n"))
	}
}

// compare measures once. It returns what is not true, and whether the machine kept up: a load balancer
// that changes late, or requests that are sent or answered late, say nothing about the measurement.
func (b behind) compare(t *testing.T, app, lameduck string) (problems []string, keptUp bool) {
	report := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	s := newStage(t, b, app, lameduck)
	r := s.measure(t)
	removals, err := s.fleet.Wait()
	if err != nil || len(removals) != 1 || len(r.Rollout.Pods) == 0 {
		report("%d removals, %v, rollout %+v", len(removals), err, r.Rollout)
		return problems, false
	}
	w := s.witness
	delay := removals[0].Done.Sub(removals[0].Requested)
	const late = 250 * time.Millisecond
	// Lameduck and the measurement count from different moments.
	apart := removals[0].Requested.Sub(s.deletion) + s.hook
	keptUp = w.longestGap < late && time.Duration(r.Latency.Max) < 4*late && delay-b.lag < late && apart < late
	if lost := sum(w.lost); r.Requests != w.requests || r.Lost != lost || !maps.Equal(r.Causes, w.lost) {
		report("it counts %d requests and %d lost %v; the witness has %d and %d %v", r.Requests, r.Lost, r.Causes,
			w.requests, lost, w.lost)
	}
	pod := r.Rollout.Pods[0]
	_, lastLost := w.lostBefore(time.Now())
	if r.Lost != pod.Lost {
		// A reload may itself lose a request, long after the pod lost one.
		var toPod int
		toPod, lastLost = w.lostBefore(removals[0].Requested.Add(b.lag))
		if !b.reloads() || pod.Lost != toPod {
			report("%d requests were lost, %d of them to the only pod that ended", r.Lost, pod.Lost)
		}
	}
	truth := delay
	switch {
	case b.lameduck:
		truth = s.apps[pod.Name].last().Sub(removals[0].Requested)
		if r.Lost > 0 && b.reloads() {
			break // a request on a kept connection that the reload closed
		}
		if r.Lost > 0 || pod.DelayBound != "measured" || !strings.Contains(pod.DelaySource, "Lameduck") {
			report("with Lameduck %d were lost, and the delay is %s by %q", r.Lost, pod.DelayBound, pod.DelaySource)
		}
	case r.Lost == 0:
		if b.lag > 0 {
			report("no request was lost without Lameduck")
		}
		return problems, keptUp // the delay cannot be known
	case b.kind == balancer.Nginx:
		if truth = lastLost.Sub(removals[0].Requested); truth < 0 {
			return problems, keptUp // the only loss was in flight
		}
	case b.lag > 0 && pod.DelayBound != "measured":
		report("delay %s although no request was lost later", pod.DelayBound)
	}
	if pod.Delay == nil {
		report("the delay is unknown: %+v", pod)
		return problems, keptUp
	}
	// A request shows no more than that the load balancer still routed when it came, and reaches
	// the pod at any time before its response. On an idle machine both are milliseconds.
	off := time.Duration(*pod.Delay) - truth
	resolution := 200*time.Millisecond + max(w.longestGap, time.Duration(r.Latency.Max)) + apart
	t.Logf("%d of %d lost; the delay is %v by %s, in truth %v; the longest gap between requests %v, the slowest %v, "+
		"the start took %v", r.Lost, r.Requests, time.Duration(*pod.Delay), pod.DelaySource, truth, w.longestGap,
		r.Latency.Max, apart)
	if off.Abs() > resolution {
		report("the delay is off by %v, more than %v", off, resolution)
	}
	return problems, keptUp
}

// reloads reports whether a change closes idle connections of clients, so that even a pod with
// Lameduck can lose a request.
func (b behind) reloads() bool { return b.kind != balancer.BuiltIn && b.kind != balancer.HAProxy }

func sum(counts map[string]int) int {
	n := 0
	for _, c := range counts {
		n += c
	}
	return n
}

// A stage has two real pods behind a load balancer, and a cluster that shows what happens to them.
type stage struct {
	cluster *cluster
	fleet   *balancer.Fleet
	pods    map[string]*pods.Pod
	logs    map[string]string // the file of the termination message
	apps    map[string]*clocked
	witness *witness
	deleted chan string

	deletion time.Time     // when the pod began to end
	hook     time.Duration // until the drain had been requested; zero without Lameduck
}

func newStage(t *testing.T, b behind, app, lameduck string) *stage {
	ctx, dir := t.Context(), t.TempDir()
	fleet, err := balancer.StartFleet(ctx, balancer.FleetConfig{
		Kind: b.kind, Lags: []time.Duration{b.lag}, Keepalive: 8, Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { fleet.Close() })
	kubelet := pods.NewKubelet(ctx, dir)
	t.Cleanup(kubelet.Close)
	s := &stage{cluster: newCluster(t, 0), fleet: fleet, pods: map[string]*pods.Pod{}, logs: map[string]string{},
		apps: map[string]*clocked{}, deleted: make(chan string, 1)}
	s.cluster.replicas(2)
	for range 2 {
		name := s.cluster.add()
		s.logs[name] = filepath.Join(dir, name+".log")
		spec := pods.Spec{Name: name, Addr: deploytest.FreeAddr(t)}
		if b.lameduck {
			s.apps[name] = newClocked(t)
			spec = protected(t, spec, s.apps[name].addr, app, lameduck, s.logs[name])
		} else {
			spec.Containers = []pods.Container{{Name: "app", Path: app, Args: []string{"-listen", spec.Addr},
				Ready: "http://" + spec.Addr + "/"}}
		}
		p, err := kubelet.Start(ctx, spec)
		if err == nil {
			err = p.Ready(ctx)
		}
		if err == nil {
			err = fleet.Add(ctx, spec.Addr)
		}
		if err != nil {
			t.Fatal(err)
		}
		s.pods[name] = p
	}
	s.witness = newWitness(t, fleet.Addrs()[0])
	return s
}

// protected returns a pod with a Lameduck in front of an app in this process. Its container has
// another app, whose hook waits for the end of the drain.
func protected(t *testing.T, spec pods.Spec, served, app, lameduck, log string) pods.Spec {
	idle, admin := deploytest.FreeAddr(t), deploytest.FreeAddr(t)
	spec.Sidecars = []pods.Container{{
		Name: "lameduck", Path: lameduck, Args: []string{"serve"},
		Env: []string{"LAMEDUCK_ROUTES=" + spec.Addr + "=" + served, "LAMEDUCK_ADMIN=" + admin,
			"LAMEDUCK_CONTROL=" + deploytest.FreeAddr(t), "LAMEDUCK_TERMINATION_LOG=" + log,
			"LAMEDUCK_HOLD_MIN=" + lag.String(), "LAMEDUCK_HOLD_QUIET=1s", "LAMEDUCK_HOLD_RISK=1"},
		PreStop: pods.Exec{Path: lameduck, Args: []string{"drain"}},
		Startup: "http://" + admin + "/readyz",
	}}
	spec.Containers = []pods.Container{{Name: "app", Path: app, Args: []string{"-listen", idle},
		PreStop: pods.HTTPGet{URL: "http://" + admin + "/hold"}, Ready: "http://" + idle + "/"}}
	return spec
}

// A clocked app knows when it got its last request.
type clocked struct {
	addr string
	at   atomic.Int64
}

func newClocked(t *testing.T) *clocked {
	c := new(clocked)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		c.at.Store(time.Now().UnixNano())
		io.Copy(io.Discard, r.Body)
	}))
	t.Cleanup(server.Close)
	c.addr = server.Listener.Addr().String()
	return c
}

func (c *clocked) last() time.Time { return time.Unix(0, c.at.Load()) }

// measure deletes one pod under load and returns the report.
func (s *stage) measure(t *testing.T) *measure.Report {
	target, err := url.Parse("http://" + s.witness.listener.Addr().String() + "/?wait=2ms")
	if err != nil {
		t.Fatal(err)
	}
	m, err := measure.New(t.Context(), measure.Config{
		URL: target, Post: &measure.Post{URL: target, Body: []byte("order")}, Protocols: []measure.Protocol{measure.HTTP1},
		Rate: 40, Timeout: 30 * time.Second, Connections: 2, Expect: measure.Statuses{{200, 200}}})
	if err != nil {
		t.Fatal(err)
	}
	s.witness.forget() // the requests of New are not part of the load
	s.interceptDeletes()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	type outcome struct {
		*measure.Result
		error
	}
	loaded := make(chan outcome, 1)
	go func() {
		r, err := m.Run(ctx)
		loaded <- outcome{r, err}
	}()
	time.Sleep(500 * time.Millisecond) // only the load
	o := NewOperation(s.cluster.watch(), Action{Kind: DeletePods, N: 1})
	done := run(t.Context(), o)
	s.terminate(t)
	expectEnd(t, done)
	_, _ = s.fleet.Wait()               // the caller looks at the error
	time.Sleep(1300 * time.Millisecond) // the load continues without further losses
	cancel()
	result := <-loaded
	if result.error != nil {
		t.Fatal(result.error)
	}
	s.witness.close()
	report := m.Report(result.Result, "rollout")
	report.SetRollout(o.Report(t.Context(), result.Start))
	return report
}

// interceptDeletes lets the test act as the kubelet, since the fake API server would delete a pod
// at once.
func (s *stage) interceptDeletes() {
	first := true
	s.cluster.PrependReactor("delete", "pods", func(a ktesting.Action) (bool, runtime.Object, error) {
		if !first {
			return false, nil, nil
		}
		first = false
		s.deleted <- a.(ktesting.DeleteAction).GetName()
		return true, nil, nil
	})
}

// terminate ends the pod that is deleted, as a cluster does. Its successor gets no requests.
func (s *stage) terminate(t *testing.T) {
	var name string
	select {
	case name = <-s.deleted:
	case <-time.After(deploytest.WaitTimeout):
		t.Fatal("no pod is deleted")
	}
	s.deletion = time.Now()
	s.cluster.begin(name)
	s.cluster.add()
	if err := s.fleet.Remove(t.Context(), s.pods[name].Addr()); err != nil {
		t.Fatal(err)
	}
	for _, event := range s.pods[name].Terminate(t.Context()).Events {
		if event.Container == "lameduck" && event.Step == pods.HookEnded {
			s.hook = event.After
		}
	}
	message, err := os.ReadFile(s.logs[name])
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	s.cluster.end(name, string(message))
	s.cluster.remove(name)
}
