package integration

import (
	"context"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A pod is a namespace with an app that listens at port 8080 and exits on SIGTERM, and a lameduck.
type observedPod struct {
	*namespace
	*lameduck
	app *program
}

func startObservedPod(t *testing.T, env ...string) *observedPod {
	t.Helper()
	return startConfinedPod(t, nil, env...)
}

// startConfinedPod starts a pod whose lameduck is run by a command.
func startConfinedPod(t *testing.T, by []string, env ...string) *observedPod {
	t.Helper()
	ns := newNamespace(t)
	p := &observedPod{
		namespace: ns,
		app:       ns.start(t, nil, programPath("child"), "-listen", ":8080", "-on", "SIGTERM=0"),
		lameduck:  &lameduck{admin: ns.address + ":18081", terminationLog: t.TempDir() + "/log"},
	}
	p.app.stdout.await(t, "ready", func(l string) bool { return strings.HasPrefix(l, "ready") })
	p.serve(t, by, env...)
	return p
}

// serve starts the pod's lameduck and returns when it serves.
func (p *observedPod) serve(t *testing.T, by []string, env ...string) {
	t.Helper()
	command := append(by, programPath("lameduck"), "serve")
	p.program = p.namespace.start(t, append([]string{
		"LAMEDUCK_TERMINATION_LOG=" + p.terminationLog,
		"LAMEDUCK_GRACE_PERIOD=60s",
		"LAMEDUCK_HOLD_MIN=1s",
		"LAMEDUCK_HOLD_QUIET=4s", // on a busy machine clients may pause for long
		"LAMEDUCK_HOOK_WINDOW=20s",
	}, env...), command[0], command[1:]...)
	p.logged(t, "serving")
}

// terminate acts like a kubelet: it calls the app's hook, signals the sidecar, and signals the
// app once the hook is answered. It returns how long the app was kept alive.
func (p *observedPod) terminate(t *testing.T) time.Duration {
	t.Helper()
	begun := time.Now()
	hook := p.hold(t)
	p.awaitHook(t)
	p.signal(t, syscall.SIGTERM)
	receive(t, hook, "answer to the hook")
	held := time.Since(begun)
	p.app.signal(t, syscall.SIGTERM)
	p.app.wantExit(t, exitOK)
	p.wantExit(t, exitOK)
	return held
}

// visitors send requests, each on a new connection, until they are stopped. They come from outside,
// each from an address of its own.
type visitors struct {
	stop     context.CancelFunc
	running  sync.WaitGroup
	mu       sync.Mutex
	answered int
	failures []error
}

func (ns *namespace) visit(t *testing.T, port string, pause time.Duration) *visitors {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	v := &visitors{stop: stop}
	url := "http://" + ns.address + ":" + port + "/"
	for _, address := range ns.clients {
		client := clientAt(address)
		client.Transport.(*http.Transport).DisableKeepAlives = true
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

// clientAt returns a client with an address of ours.
func clientAt(address net.IP) *http.Client {
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: address}}
	return &http.Client{Transport: &http.Transport{DialContext: dialer.DialContext}, Timeout: waitTimeout}
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

// lateTraffic is how long clients continue after the pod's termination has begun.
const lateTraffic = 7 * time.Second

func TestObserve_NothingIsLostAndThePodEndsSoonAfterItsTraffic(t *testing.T) {
	for name, env := range map[string][]string{
		"a port that is observed":                {"LAMEDUCK_OBSERVE=8080"},
		"a port that clients reach past a route": {"LAMEDUCK_ROUTES=18080=8080"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := startObservedPod(t, env...)
			p.logged(t, "observing")
			f, _ := p.wantLossless(t, lateTraffic)
			const slack = 2*time.Second + 10*time.Second // as documented, and for a busy machine
			held, most := duration(t, f, "hold"), lateTraffic+duration(t, f, "required_silence")+slack
			if held > most {
				t.Errorf("held for %v, want at most %v", held, most)
			}
			if f["reason"] != "quiet" {
				t.Errorf("the hold ended with the reason %v, want the end of the traffic", f["reason"])
			}
			p.wantTerminationLog(t, "; observed: ")
		})
	}
}

// Without netlink, connections may come and go between two reads of the tables.
func TestObserve_NothingIsLostWhereTheKernelReportsLess(t *testing.T) {
	const late, lbDelay = 3 * time.Second, 10 * time.Second
	for name, test := range map[string]struct {
		by      []string
		env     string
		message string
		least   time.Duration
	}{
		"the tables in proc alone": {
			[]string{programPath("confine")}, "LAMEDUCK_LB_DELAY=50s",
			"observing with less than the kernel can report: a drain holds for the configured delay of the load " +
				"balancer while connections are open (allow NETLINK_SOCK_DIAG)", 0,
		},
		"nothing": {
			[]string{programPath("confine"), "-hide"}, "LAMEDUCK_LB_DELAY=" + lbDelay.String(),
			"observed ports cannot be watched: a drain holds for the configured delay of the load balancer " +
				"(allow NETLINK_SOCK_DIAG or /proc/net/tcp)", lbDelay,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := startConfinedPod(t, test.by, "LAMEDUCK_OBSERVE=8080", test.env)
			p.logged(t, test.message)
			f, held := p.wantLossless(t, late)
			if held < test.least {
				t.Errorf("held for %v, want the load balancer's delay", held)
			}
			if f["reason"] != "quiet" {
				t.Errorf("the hold ended with the reason %v, want quiet", f["reason"])
			}
		})
	}
}

// wantLossless terminates the pod while clients send requests, and for some time after that. It
// expects that none is lost. It returns the summary and how long the app was kept alive.
func (p *observedPod) wantLossless(t *testing.T, late time.Duration) (map[string]any, time.Duration) {
	t.Helper()
	clients := p.visit(t, "8080", 100*time.Millisecond)
	eventually(t, "some requests are answered", func() bool {
		clients.mu.Lock()
		defer clients.mu.Unlock()
		return clients.answered > 50
	})
	stopped := make(chan struct{})
	time.AfterFunc(late, func() { clients.end(); close(stopped) })
	held := p.terminate(t)
	select {
	case <-stopped:
	default:
		t.Errorf("the app was stopped %v after the signal, while clients still sent requests", held)
	}
	clients.end()
	if len(clients.failures) > 0 {
		t.Errorf("%d of %d requests failed, such as: %v", len(clients.failures), clients.answered, clients.failures[0])
	}
	f := p.logged(t, "stopped")
	t.Logf("held for %v, %d requests: %v", held, clients.answered, f["observed"])
	return f, held
}

const bypassWarning = "clients bypass lameduck: drains wait for their connections, but they are not asked to disconnect " +
	"(let Services and other references use the relay's port; if lameduck redirect is used, its rules are gone: " +
	"replace the pod)"

func TestObserve_ABypassIsCountedAndLogged(t *testing.T) {
	t.Parallel()
	p := startObservedPod(t, "LAMEDUCK_ROUTES=18080=8080")
	p.probe(t, clientAt(p.clients[0])) // otherwise visits might count as probes
	others := *p.namespace
	others.clients = p.clients[1:]
	clients := others.visit(t, "8080", 100*time.Millisecond)
	relayed := others.visit(t, "18080", 100*time.Millisecond)
	p.logged(t, bypassWarning)
	clients.end()
	relayed.end()
	want := len(clients.failures) + clients.answered
	count := func() string { return p.metric(t, `lameduck_bypassed_connections_total{port="8080"}`) }
	eventually(t, "all are counted", func() bool { return count() == strconv.Itoa(want) })
	if got := count(); got != strconv.Itoa(want) {
		t.Errorf("%s connections counted as a bypass, want the %d past the relay, without its own %d",
			got, want, relayed.answered)
	}
	p.terminate(t)
}

func TestObserve_KeptConnectionsLastUntilMaxAndAreReported(t *testing.T) {
	t.Parallel()
	p := startObservedPod(t, "LAMEDUCK_OBSERVE=8080", "LAMEDUCK_HOLD_MAX=6s")
	for _, address := range p.clients {
		p.keepVisiting(t, address)
	}
	p.awaitMetric(t, `lameduck_observed_connections_total{port="8080"}`, strconv.Itoa(len(p.clients)))
	p.terminate(t)
	if f := p.logged(t, "stopped"); f["reason"] != "max" {
		t.Errorf("the hold ended with the reason %v, want max: the connections were busy", f["reason"])
	}
	f := p.logged(t, "observed connections are open at the end of the hold, and each fails when the app stops: "+
		"the mode observe does not ask clients to disconnect (redirect, takeover and move do)")
	if want := float64(len(p.clients)); f["connections"] != want || f["clients"] != want {
		t.Errorf("%v connections of %v clients reported, want %v of as many", f["connections"], f["clients"], want)
	}
	p.wantTerminationLog(t, "4 connections of 4 clients were still open")
	for l := range strings.Lines(p.stderr.String()) {
		for _, address := range p.clients {
			if strings.Contains(l, address.String()) {
				t.Errorf("a client's address is in the log: %s", l)
			}
		}
	}
}

// keepVisiting sends requests on one connection until the test or the connection ends. The client is
// not net/http's, which opens another connection if its goroutines do not get the CPU for 50 ms.
func (ns *namespace) keepVisiting(t *testing.T, from net.IP) {
	t.Helper()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: from}, Timeout: waitTimeout}
	conn, err := dialer.DialContext(t.Context(), "tcp", ns.address+":8080")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		defer conn.Close()
		ticker := time.NewTicker(200 * time.Millisecond)
		defer ticker.Stop()
		for ctx.Err() == nil {
			if _, _, err := sendRequest(conn, ""); err != nil {
				return
			}
			select {
			case <-ticker.C:
			case <-ctx.Done():
			}
		}
	})
	t.Cleanup(func() {
		stop()
		running.Wait()
	})
}

// The wrapper observes its child, which keeps its port.
func TestObserve_ADrainWaitsForTheTrafficOfAChild(t *testing.T) {
	t.Parallel()
	ns := newNamespace(t)
	p := &observedPod{namespace: ns, lameduck: &lameduck{terminationLog: t.TempDir() + "/log"}}
	p.program = ns.start(t, []string{
		"LAMEDUCK_TERMINATION_LOG=" + p.terminationLog, "LAMEDUCK_OBSERVE=8080", "LAMEDUCK_GRACE_PERIOD=60s",
		"LAMEDUCK_HOLD_MIN=300ms", "LAMEDUCK_HOLD_QUIET=4s",
	}, programPath("lameduck"), "exec", "--", programPath("child"), "-listen", ":8080", "-on", "SIGTERM=0")
	p.logged(t, "serving")
	p.stdout.awaitPrefix(t, "ready ")
	clients := p.visit(t, "8080", 50*time.Millisecond)
	eventually(t, "some requests are answered", func() bool {
		clients.mu.Lock()
		defer clients.mu.Unlock()
		return clients.answered > 20
	})
	time.AfterFunc(6*time.Second, clients.end)
	p.signal(t, syscall.SIGTERM)
	p.wantExit(t, exitOK)
	clients.end()
	if len(clients.failures) > 0 {
		t.Errorf("%d of %d requests failed, such as: %v", len(clients.failures), clients.answered, clients.failures[0])
	}
	if f := p.logged(t, "stopped"); f["reason"] != "quiet" {
		t.Errorf("the hold ended with the reason %v, want quiet", f["reason"])
	}
	p.wantTerminationLog(t, "; observed: ")
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
		t.Errorf("the hold ended with the reason %v, want quiet", f["reason"])
	}
}

// probe asks Lameduck itself, as the kubelet does.
func (p *observedPod) probe(t *testing.T, client *http.Client) {
	t.Helper()
	probe, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+p.admin+"/readyz", nil)
	if err != nil {
		t.Fatal(err)
	}
	probe.Header.Set("User-Agent", "kube-probe/1.34")
	r, err := client.Do(probe)
	if err != nil {
		t.Fatal(err)
	}
	_ = r.Body.Close()
}

// The kubelet's probes must not extend a hold, and a drain with nothing else must not look like a
// success.
func TestObserve_ProbesAreNotTraffic(t *testing.T) {
	t.Parallel()
	p := startObservedPod(t, "LAMEDUCK_OBSERVE=8080", "LAMEDUCK_OBSERVE_PROBES=8080=1s,8080=1s,8080=1s,8080=1s",
		"LAMEDUCK_HOLD_MIN=3s")
	p.probe(t, &http.Client{Transport: &http.Transport{DisableKeepAlives: true}})
	kubelet := p.visit(t, "8080", 4*1200*time.Millisecond) // four at a time
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
	time.Sleep(5 * time.Second) // the silence after the first ones, which the probes did not explain
	held := p.terminate(t)
	cancel()
	probing.Wait()
	if f := p.logged(t, "stopped"); f["reason"] != "quiet" {
		t.Errorf("the hold of %v ended with the reason %v, want quiet", held, f["reason"])
	}
	p.wantTerminationLog(t, "; observed: nothing but health checks (")
}
