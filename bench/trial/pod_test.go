package trial

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"lameduck/bench/peers"
	"lameduck/bench/rollout"
)

// delay is how long pods hold the app. Requests that are sent after the start of a termination must
// arrive within it, even on a busy machine.
const delay = 5 * time.Second

// ended is a pod that has been started, used and terminated.
type ended struct {
	rollout.Termination
	message string // Lameduck's termination message
}

// live starts a pod, makes requests, and terminates it. If serves is set, it makes requests after the
// start of the termination too, which must be answered.
func live(t *testing.T, s Strategy, a App, serves bool) ended {
	t.Parallel()
	b := liveBuilder(t, s, a)
	k := rollout.NewKubelet(t.Context(), b.logs)
	defer k.Close()
	p, spec, err := start(t, k, b, s)
	if err != nil {
		t.Fatal(err)
	}
	answers(t, p, "before its end")
	done := make(chan rollout.Termination, 1)
	go func() { done <- p.Terminate(t.Context()) }()
	if serves {
		awaitDrain(t, spec)
		answers(t, p, "while it is held")
	}
	e := ended{Termination: <-done}
	message, _ := os.ReadFile(b.terminationLog())
	e.message = string(message)
	for _, event := range e.Events {
		t.Logf("%6.3f %s: %s %s", event.After.Seconds(), event.Container, event.Step, event.Detail)
	}
	return e
}

// liveBuilder skips the test if a program of the strategy or the app is missing.
func liveBuilder(t *testing.T, s Strategy, a App) builder {
	programs := Programs{App: appPath, Lameduck: lameduckPath}
	for name, path := range map[peers.Name]*string{peers.Traefik: &programs.Traefik, peers.QueueProxy: &programs.QueueProxy} {
		if peers.Built(name) { // building them would take minutes
			*path, _ = peers.Path(t.Context(), name, io.Discard)
		}
	}
	for _, missing := range []string{s.Missing(programs), a.Missing()} {
		if missing != "" {
			t.Skipf("%s needs %s", s.Name, missing)
		}
	}
	return builder{application: a, programs: programs, grace: 30 * time.Second, logs: t.TempDir(), name: "pod"}
}

func start(t *testing.T, k *rollout.Kubelet, b builder, s Strategy) (*rollout.Pod, rollout.Spec, error) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	spec, err := s.pod(b)
	if err != nil {
		return nil, spec, err
	}
	if s.Name == QueueProxy().Name {
		spec.Grace = time.Second // cuts its half minute short
	}
	p, err := k.Start(ctx, spec)
	if err != nil {
		return nil, spec, err
	}
	return p, spec, p.Ready(ctx)
}

// awaitDrain waits until the Lameduck of a terminating pod has begun its drain. In a pod without one,
// it waits until the containers are likely to have got their stop signals.
func awaitDrain(t *testing.T, spec rollout.Spec) {
	t.Helper()
	admin := adminOf(spec)
	if admin == "" {
		time.Sleep(125 * time.Millisecond)
		return
	}
	const serving = `lameduck_phase{phase="serving"} 1`
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		if text := get(t, "http://"+admin+"/metrics"); text != "" && !strings.Contains(text, serving) {
			return
		}
	}
	t.Fatal("there is no drain")
}

// adminOf returns the admin address of the pod's Lameduck, or an empty string if it has none.
func adminOf(spec rollout.Spec) string {
	for _, c := range slices.Concat(spec.Containers, spec.Sidecars) {
		for _, variable := range c.Env {
			if admin, found := strings.CutPrefix(variable, "LAMEDUCK_ADMIN="); found {
				return admin
			}
		}
	}
	return ""
}

// get returns the body of a response, or an empty string if there is none.
func get(t *testing.T, url string) string {
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return ""
	}
	return string(text)
}

// answers expects the pod to answer a GET and to echo a POST.
func answers(t *testing.T, p *rollout.Pod, when string) {
	t.Helper()
	c := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}
	url := "http://" + p.Addr() + "/?wait=10ms"
	got, err := c.Get(url)
	expectAnswer(t, got, err, "hello\n", when)
	got, err = c.Post(url, "text/plain", strings.NewReader("quack"))
	expectAnswer(t, got, err, "quack", when)
}

func expectAnswer(t *testing.T, r *http.Response, err error, want, when string) {
	t.Helper()
	if err != nil {
		t.Errorf("%s: %v", when, err)
		return
	}
	defer r.Body.Close()
	if body, err := io.ReadAll(r.Body); err != nil || r.StatusCode != http.StatusOK || string(body) != want {
		t.Errorf("%s it answers %s, %q, %v; want %q", when, r.Status, body, err, want)
	}
}

// happens expects the given steps, written "container: step", in this order. There may be others in
// between.
func (e ended) happens(t *testing.T, steps ...string) {
	t.Helper()
	rest := e.Events
	for _, step := range steps {
		i := 0
		for i < len(rest) && fmt.Sprintf("%s: %s", rest[i].Container, rest[i].Step) != step {
			i++
		}
		if i == len(rest) {
			t.Errorf("%q did not happen in this order", step)
			return
		}
		rest = rest[i+1:]
	}
}

// notBefore expects no such step of the container before the given time since t0.
func (e ended) notBefore(t *testing.T, after time.Duration, container string, step rollout.Step) {
	t.Helper()
	for _, event := range e.Events {
		if event.Container == container && event.Step == step && event.After < after {
			t.Errorf("%s: %s %v after t0, want at least %v", container, step, event.After, after)
		}
	}
}

// exits expects a container to have ended in the given way.
func (e ended) exits(t *testing.T, container, how string) {
	t.Helper()
	for _, event := range e.Events {
		if event.Container == container && event.Step == rollout.Exited && event.Detail != how {
			t.Errorf("%s exited with %q, want %q", container, event.Detail, how)
		}
	}
}

func TestBarePodDiesAtOnce(t *testing.T) {
	e := live(t, Bare(), Abrupt(), false)
	e.happens(t, "app: stop signal", "app: exited")
	e.exits(t, "app", "signal: terminated")
}

func TestGracefulAppExitsByItself(t *testing.T) {
	e := live(t, Bare(), Graceful(), false)
	e.happens(t, "app: stop signal", "app: exited")
	e.exits(t, "app", "exit status 0")
}

func TestSlowAppIsReadyLate(t *testing.T) {
	began := time.Now()
	e := live(t, Bare(), SlowStart(time.Second), false)
	if ready := e.T0.Sub(began); ready < time.Second {
		t.Errorf("it was ready after %v", ready)
	}
}

func TestNodeDiesAtOnce(t *testing.T) {
	e := live(t, Bare(), Node(), false)
	e.exits(t, "app", "signal: terminated")
}

func TestPreStopSleepKeepsTheApp(t *testing.T) {
	e := live(t, PreStopSleep(delay), Abrupt(), true)
	e.happens(t, "app: preStop started", "app: preStop ended", "app: stop signal", "app: exited")
	e.notBefore(t, delay, "app", rollout.Signalled)
}

// hold is short, and requires only a quiet time: two requests have no rhythm.
var hold = Hold{Min: delay, Quiet: delay / 2, Risk: AnyRisk}

// drained expects Lameduck to have ended its hold after a quiet time.
func (e ended) drained(t *testing.T, trigger string) {
	t.Helper()
	if !strings.Contains(e.message, "(quiet; triggered by "+trigger+"): 2 exchanges after its start") {
		t.Errorf("termination message %q", e.message)
	}
}

func TestNativeSidecarHoldsTheApp(t *testing.T) {
	e := live(t, NativeSidecar(hold), Abrupt(), true)
	e.happens(t, "lameduck: preStop started", "app: preStop ended", "app: stop signal", "lameduck: stop signal", "lameduck: exited")
	e.happens(t, "lameduck: preStop ended", "app: preStop ended") // its own hook only starts the drain
	e.notBefore(t, delay, "app", rollout.Signalled)
	e.exits(t, "app", "signal: terminated")
	e.exits(t, "lameduck", "exit status 0")
	e.drained(t, "drain request")
}

func TestPlainContainerHoldsTheApp(t *testing.T) {
	e := live(t, PlainContainer(hold), Abrupt(), true)
	e.happens(t, "lameduck: stop signal", "app: preStop ended", "app: stop signal", "app: exited", "lameduck: exited")
	e.notBefore(t, delay, "app", rollout.Signalled)
	e.exits(t, "app", "signal: terminated")
	e.exits(t, "lameduck", "exit status 0")
	e.drained(t, "stop signal")
}

// Every app, since Lameduck passes on its arguments and its exit code.
func TestWrapperHoldsTheApp(t *testing.T) {
	for _, tc := range []struct {
		app App
		how string
	}{
		{Abrupt(), "exit status 143"}, // SIGTERM, like in a shell
		{Graceful(), "exit status 0"},
		{SlowStart(500 * time.Millisecond), "exit status 143"},
		{ShortKeepAlive(time.Second), "exit status 143"},
		{Node(), "exit status 143"},
	} {
		t.Run(tc.app.Name, func(t *testing.T) {
			e := live(t, Wrapper(hold), tc.app, true)
			e.happens(t, "lameduck: stop signal", "lameduck: exited")
			e.notBefore(t, delay, "lameduck", rollout.Exited)
			e.exits(t, "lameduck", tc.how)
			e.drained(t, "stop signal")
		})
	}
}

// The kubelet's probe of the app goes through a wrapper's Lameduck. As traffic, it would be the
// first of two requests with a long gap, and the hold would have to be longer than the gap.
func TestProbesAreNotTraffic(t *testing.T) {
	t.Parallel()
	const gap = 5 * time.Second
	s := Wrapper(Hold{Quiet: 50 * time.Millisecond})
	b := liveBuilder(t, s, Abrupt())
	k := rollout.NewKubelet(t.Context(), b.logs)
	defer k.Close()
	p, _, err := start(t, k, b, s)
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(gap)
	answers(t, p, "after a while")
	if took := p.Terminate(t.Context()).Took; took > 3*gap { // requests that the machine delays have gaps too
		t.Errorf("it was held for %v", took)
	}
}

func TestPeersGoOnForTheirDelay(t *testing.T) {
	for _, s := range []Strategy{CaddySidecar(delay), HAProxySidecar(delay), TraefikSidecar(delay)} {
		name, _, _ := strings.Cut(s.Name, " ")
		t.Run(name, func(t *testing.T) {
			e := live(t, s, Abrupt(), true)
			e.happens(t, name+": stop signal", "app: preStop ended", "app: stop signal", "app: exited")
			e.notBefore(t, delay, "app", rollout.Signalled)
			e.notBefore(t, delay, name, rollout.Exited)
			e.exits(t, name, "exit status 0")
		})
	}
}

func TestQueueProxyHoldsTheApp(t *testing.T) {
	e := live(t, QueueProxy(), Abrupt(), true)
	e.happens(t, "queue-proxy: stop signal", "app: preStop outlasted the grace period", "app: stop signal")
}
