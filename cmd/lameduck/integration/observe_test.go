package integration

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A pod is a namespace with an app that listens at port 8080 and dies of SIGTERM, and a lameduck.
type observedPod struct {
	*namespace
	*lameduck
	app *program
}

func startObservedPod(t *testing.T, env ...string) *observedPod {
	t.Helper()
	ns := newNamespace(t)
	p := &observedPod{
		namespace: ns,
		app:       ns.start(t, nil, programPath("child"), "-listen", ":8080", "-on", "SIGTERM=0"),
		lameduck:  &lameduck{admin: ns.address + ":18081", terminationLog: t.TempDir() + "/log"},
	}
	p.app.stdout.await(t, "ready", func(l string) bool { return strings.HasPrefix(l, "ready") })
	p.program = ns.start(t, append([]string{
		"LAMEDUCK_TERMINATION_LOG=" + p.terminationLog,
		"LAMEDUCK_GRACE_PERIOD=60s",
		"LAMEDUCK_HOLD_MIN=1s",
		"LAMEDUCK_HOLD_QUIET=2s",
	}, env...), programPath("lameduck"), "serve")
	p.logged(t, "serving")
	return p
}

// terminate does what a kubelet does: it calls the app's hook, sends the sidecar its signal, and the
// app its own when the hook is answered. It returns how long the app was kept alive.
func (p *observedPod) terminate(t *testing.T) time.Duration {
	t.Helper()
	hook := p.hold(t)
	p.awaitHook(t)
	begun := time.Now()
	p.signal(t, syscall.SIGTERM)
	receive(t, hook, "answer to the hook")
	held := time.Since(begun)
	p.app.signal(t, syscall.SIGTERM)
	p.app.wantExit(t, exitOK)
	p.wantExit(t, exitOK)
	return held
}

// visitors send requests, each on a new connection, until they are stopped. They come from outside.
type visitors struct {
	stop     context.CancelFunc
	running  sync.WaitGroup
	mu       sync.Mutex
	answered int
	failures []error
}

func visit(t *testing.T, url string, pause time.Duration) *visitors {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	v := &visitors{stop: stop}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	for range 4 {
		v.running.Go(func() {
			ticker := time.NewTicker(pause)
			defer ticker.Stop()
			for ctx.Err() == nil {
				v.visit(client, url)
				select {
				case <-ticker.C:
				case <-ctx.Done():
				}
			}
		})
	}
	t.Cleanup(v.end)
	return v
}

func (v *visitors) visit(client *http.Client, url string) {
	r, err := client.Get(url)
	if err == nil {
		_, err = io.Copy(io.Discard, r.Body)
		_ = r.Body.Close()
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if err != nil {
		v.failures = append(v.failures, err)
		return
	}
	v.answered++
}

func (v *visitors) end() {
	v.stop()
	v.running.Wait()
}

// lateTraffic is how long clients go on after the pod's termination began.
const lateTraffic = 7 * time.Second

func TestObserve_NothingIsLostAndThePodEndsSoonAfterItsTraffic(t *testing.T) {
	for name, env := range map[string][]string{
		"a port that is observed":                {"LAMEDUCK_OBSERVE=8080"},
		"a port that clients reach past a route": {"LAMEDUCK_ROUTES=18080=8080"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := startObservedPod(t, env...)
			clients := visit(t, "http://"+p.address+":8080/", 100*time.Millisecond)
			eventually(t, "some requests are answered", func() bool {
				clients.mu.Lock()
				defer clients.mu.Unlock()
				return clients.answered > 50
			})
			stopped := make(chan struct{})
			time.AfterFunc(lateTraffic, func() { clients.end(); close(stopped) })
			held := p.terminate(t)
			select {
			case <-stopped:
			default:
				t.Errorf("the app was stopped %v after the signal, while its clients went on", held)
			}
			clients.end()
			if len(clients.failures) > 0 {
				t.Errorf("%d of %d requests failed, such as: %v", len(clients.failures), clients.answered, clients.failures[0])
			}
			f := p.logged(t, "stopped")
			const slack = 2*time.Second + 3*time.Second // what is promised, and what a busy machine needs
			if most := lateTraffic + duration(t, f, "required_silence") + slack; held > most {
				t.Errorf("held for %v, want at most %v", held, most)
			}
			if f["reason"] != "quiet" {
				t.Errorf("the hold ended by %v, want by the end of the traffic", f["reason"])
			}
			t.Logf("held for %v, %d requests: %v", held, clients.answered, f["observed"])
			p.wantTerminationLog(t, "; observed: ")
		})
	}
}

func TestObserve_ABypassIsCountedAndLogged(t *testing.T) {
	t.Parallel()
	p := startObservedPod(t, "LAMEDUCK_ROUTES=18080=8080")
	clients := visit(t, "http://"+p.address+":8080/", 100*time.Millisecond)
	relayed := visit(t, "http://"+p.address+":18080/", 100*time.Millisecond)
	p.logged(t, "clients connect to the app past lameduck: they are held for, but not asked to disconnect "+
		"(let Services and other references name the relay's port)")
	clients.end()
	relayed.end()
	want := len(clients.failures) + clients.answered
	count := func() string { return p.metric(t, `lameduck_bypassed_connections_total{port="8080"}`) }
	eventually(t, "all are counted", func() bool { return count() == strconv.Itoa(want) })
	if got := count(); got != strconv.Itoa(want) {
		t.Errorf("%s connections are counted as a bypass, want the %d past the relay, without its %d",
			got, want, relayed.answered)
	}
	p.terminate(t)
}

func TestObserve_KeptConnectionsLastUntilMaxAndAreReported(t *testing.T) {
	t.Parallel()
	p := startObservedPod(t, "LAMEDUCK_OBSERVE=8080", "LAMEDUCK_HOLD_MAX=6s")
	var lost int
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		client := &http.Client{Transport: new(http.Transport)}
		defer client.CloseIdleConnections()
		ticker := time.NewTicker(200 * time.Millisecond)
		defer ticker.Stop()
		for {
			r, err := client.Get("http://" + p.address + ":8080/")
			if err != nil {
				lost++
				return
			}
			_, _ = io.Copy(io.Discard, r.Body)
			_ = r.Body.Close()
			select {
			case <-ticker.C:
			case <-stop:
				return
			}
		}
	}()
	eventually(t, "the connection is seen", func() bool {
		return p.metric(t, `lameduck_observed_connections_total{port="8080"}`) == "1"
	})
	p.terminate(t)
	close(stop)
	<-done
	f := p.logged(t, "stopped")
	if f["reason"] != "max" {
		t.Errorf("the hold ended by %v, want max: the connection was busy", f["reason"])
	}
	if lost > 1 {
		t.Errorf("%d requests were lost, want at most one per connection", lost)
	}
	p.logged(t, "observed connections are open at the end of the hold, and each fails when the app stops: "+
		"only a relay asks clients to disconnect (use LAMEDUCK_ROUTES)")
	p.wantTerminationLog(t, "1 connections of 1 clients were still open")
}

func TestObserve_AnIdleKeptConnectionDoesNotHold(t *testing.T) {
	t.Parallel()
	p := startObservedPod(t, "LAMEDUCK_OBSERVE=8080")
	client := &http.Client{Transport: new(http.Transport)}
	defer client.CloseIdleConnections()
	r, err := client.Get("http://" + p.address + ":8080/")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, r.Body)
	_ = r.Body.Close()
	p.terminate(t)
	if f := p.logged(t, "stopped"); f["reason"] != "quiet" {
		t.Errorf("the hold ended by %v, want quiet", f["reason"])
	}
}

// The kubelet's probes must not hold, and a drain that saw nothing else must not look like a success.
func TestObserve_ProbesAreNoTraffic(t *testing.T) {
	t.Parallel()
	p := startObservedPod(t, "LAMEDUCK_OBSERVE=8080", "LAMEDUCK_OBSERVE_PROBES=8080=1s,8080=1s,8080=1s,8080=1s")
	probe, err := http.NewRequest(http.MethodGet, "http://"+p.admin+"/readyz", nil)
	if err != nil {
		t.Fatal(err)
	}
	probe.Header.Set("User-Agent", "kube-probe/1.34")
	r, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(probe)
	if err != nil {
		t.Fatal(err)
	}
	_ = r.Body.Close()
	kubelet := visit(t, "http://"+p.address+":8080/", 4*1200*time.Millisecond) // four at a time
	eventually(t, "a probe is seen", func() bool { return p.metric(t, "lameduck_observed_probes_total") != "0" })
	kubelet.end()
	ctx, cancel := context.WithCancel(t.Context())
	var probing sync.WaitGroup
	probing.Go(func() {
		ticker := time.NewTicker(1100 * time.Millisecond)
		defer ticker.Stop()
		for ctx.Err() == nil {
			kubelet.visit(http.DefaultClient, "http://"+p.address+":8080/")
			http.DefaultClient.CloseIdleConnections()
			select {
			case <-ticker.C:
			case <-ctx.Done():
			}
		}
	})
	time.Sleep(5 * time.Second) // the silence of the first ones, which the probes did not explain
	held := p.terminate(t)
	cancel()
	probing.Wait()
	if f := p.logged(t, "stopped"); f["reason"] != "quiet" {
		t.Errorf("the hold of %v ended by %v, want quiet", held, f["reason"])
	}
	p.wantTerminationLog(t, "; observed: nothing but health checks (")
}
