package integration

import (
	"math"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestDrainBeginsADrainAndReturnsAtOnce(t *testing.T) {
	t.Parallel()
	app := startApp(t)
	d := startServe(t, app.addr, "LAMEDUCK_HOLD_MIN=20s")
	if s := parseState(t, d.drain(t)); s.Phase != "draining" || s.Drain.Trigger != "drain request" {
		t.Errorf("lameduck drain printed %+v, want a drain with the trigger drain request", s)
	}
	if a := d.get(t, "/"); a.body != "hello" || !a.closes {
		t.Errorf("answer %+v, want the app's with the close option", a)
	}
	if s := parseState(t, d.drain(t)); s.Phase != "draining" {
		t.Errorf("a second lameduck drain printed %+v, want the same drain", s)
	}
	app.die()
	d.wantExit(t, exitOK)
}

func TestDrainWaitReturnsAtTheEndOfTheHold(t *testing.T) {
	t.Parallel()
	d := startServe(t, startApp(t).addr, "LAMEDUCK_HOLD_MIN=600ms")
	begun := time.Now()
	s := parseState(t, d.drain(t, "--wait"))
	if s.Phase != "drained" || s.Drain.End != "quiet" {
		t.Errorf("lameduck drain --wait printed %+v, want the end of the hold with the reason quiet", s)
	}
	if took := time.Since(begun); took < 600*time.Millisecond {
		t.Errorf("lameduck drain --wait returned after %v, before the end of the hold", took)
	}
	d.wantRunning(t, "the app still runs, and no stop signal has come")
	d.signal(t, syscall.SIGTERM)
	d.wantExit(t, exitOK)
}

// The kubelet's SIGTERM to a native sidecar means that the grace period is over. Within the two
// seconds that remain, lameduck cuts the exchanges that are left and logs the summary.
func TestANativeSidecarLogsTheSummaryBeforeItIsKilled(t *testing.T) {
	t.Parallel()
	for name, path := range map[string]string{
		"an app that notices the end of its client": "/wait",
		"an app that does not":                      "/deaf",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const limit, tries = 2 * time.Second, 3 // the machine may be busy
			took := time.Duration(math.MaxInt64)
			for try := 0; took > limit && try < tries; try++ {
				took = exitOfNativeSidecar(t, path)
			}
			if took > limit {
				t.Errorf("the exit took %v, and the kubelet kills after %v", took, limit)
			}
		})
	}
}

// exitOfNativeSidecar returns how long lameduck takes to exit with an exchange in flight.
func exitOfNativeSidecar(t *testing.T, path string) time.Duration {
	t.Helper()
	app := startApp(t)
	d := startServe(t, app.addr, "LAMEDUCK_GRACE_PERIOD=2m")
	app.keepBusyWith(t, d, path)
	d.hold(t)
	d.awaitHook(t)
	d.drain(t, "--native")
	d.wantRunningFor(t, time.Second, "an exchange is in flight")
	signaled := time.Now()
	d.signal(t, syscall.SIGTERM)
	d.wantExit(t, exitOK)
	took := time.Since(signaled)
	f := d.logged(t, "stopped")
	if f["reason"] != "stop_signal" || f["cut_exchanges"] != 1.0 || f["unanswered_exchanges"] != 0.0 {
		t.Errorf("summary %v, want the stop signal and one exchange cut", f)
	}
	return took
}

func TestDrainFailsWhereNoLameduckRuns(t *testing.T) {
	t.Parallel()
	p := start(t, []string{"LAMEDUCK_CONTROL=" + freeAddress(t)}, programPath("lameduck"), "drain")
	p.wantExit(t, exitFailure)
	const hint = "is lameduck running, with the same LAMEDUCK_CONTROL?"
	if got := p.stderr.String(); !strings.Contains(got, hint) {
		t.Errorf("error %q, want %q in it", got, hint)
	}
}

func TestStatusHasThePhaseAndTheHold(t *testing.T) {
	t.Parallel()
	app := startApp(t)
	d := startServe(t, app.addr, "LAMEDUCK_HOLD_MIN=20s", "LAMEDUCK_HOLD_MAX=21s")
	c := app.keepBusy(t, d)
	s := d.status(t)
	if s.Phase != "serving" || s.Drain.Trigger != "" || s.InFlight == nil || *s.InFlight != 1 || s.SilentIn == nil {
		t.Errorf("status %+v, want serving with an exchange in flight and no drain", s)
	}
	want := map[string]float64{"min_seconds": 20, "quiet_seconds": 0.3, "max_seconds": 21, "risk": 0.01}
	for name, value := range want {
		if s.Hold[name] != value {
			t.Errorf("the hold in the status has %v for %s, want %v", s.Hold[name], name, value)
		}
	}
	close(app.release)
	c.receive(t)
	_ = c.conn.Close()
	d.beginDrain(t)
	if s := d.status(t); s.Phase != "draining" || s.Drain.Trigger != "drain request" || s.Drain.End != "not_ended" {
		t.Errorf("status %+v, want a drain that has not ended", s)
	}
	app.die()
	d.wantExit(t, exitOK)
}

func TestTheNetworkCannotBeginADrain(t *testing.T) {
	t.Parallel()
	d := startServe(t, startApp(t).addr)
	for _, r := range []struct {
		name, method, url string
		status            int
	}{
		{"drain at the admin address", http.MethodPost, "http://" + d.admin + "/drain", http.StatusNotFound},
		{"status at the admin address", http.MethodGet, "http://" + d.admin + "/status", http.StatusNotFound},
		{"drain by GET", http.MethodGet, "http://" + d.control + "/drain", http.StatusMethodNotAllowed},
		{"a POST to the hook", http.MethodPost, "http://" + d.admin + "/hold", http.StatusMethodNotAllowed},
		{"drain at the app's address", http.MethodPost, "http://" + d.front + "/drain", http.StatusOK}, // the app answers it
	} {
		if a, err := request(r.method, r.url, ""); err != nil || a.status != r.status {
			t.Errorf("%s: status %d, %v; want %d", r.name, a.status, err, r.status)
		}
	}
	if s := d.status(t); s.Phase != "serving" {
		t.Errorf("phase %s, want serving", s.Phase)
	}
	d.signal(t, syscall.SIGTERM)
	d.wantExit(t, exitOK)
}

func TestABrowserOrAProxyOnTheHostCannotBeginADrain(t *testing.T) {
	t.Parallel()
	d := startServe(t, startApp(t).addr)
	for name, head := range map[string]string{
		"a page":                      "POST /drain HTTP/1.1\r\nHost: 127.0.0.1:18082\r\nOrigin: http://evil.example\r\n",
		"a browser":                   "POST /drain HTTP/1.1\r\nHost: localhost:18082\r\nSec-Fetch-Site: cross-site\r\n",
		"a name that is rebound":      "POST /drain HTTP/1.1\r\nHost: evil.example:18082\r\n",
		"a proxy":                     "POST /drain HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Forwarded-For: 192.0.2.1\r\n",
		"an absolute form":            "POST http://evil.example/drain HTTP/1.1\r\nHost: 127.0.0.1\r\n",
		"HTTP/1.0 without a host":     "POST /drain HTTP/1.0\r\n",
		"a page that reads the state": "GET /status HTTP/1.1\r\nHost: evil.example\r\n",
	} {
		if status := rawStatus(t, d.control, head+"Content-Length: 0\r\n\r\n"); status != http.StatusForbidden {
			t.Errorf("%s: status %d, want 403", name, status)
		}
	}
	if s := d.status(t); s.Phase != "serving" {
		t.Fatalf("phase %s, want serving", s.Phase)
	}
	const request = "POST /drain HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"
	if status := rawStatus(t, d.control, request); status != http.StatusOK {
		t.Errorf("a program on the host: status %d, want 200", status)
	}
	if out := d.drain(t); !strings.Contains(out, `"phase":"dra`) {
		t.Errorf("lameduck drain printed %q, want a drain", out)
	}
	d.signal(t, syscall.SIGTERM)
	d.wantExit(t, exitOK)
}
