package integration

import (
	"encoding/json"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A drainState is what GET /status and lameduck drain tell, as far as these tests look at it. Without a drain, Drain is empty.
type drainState struct {
	Phase    string   `json:"phase"`
	InFlight *int     `json:"exchanges_in_flight"`
	SilentIn *float64 `json:"silent_in_seconds"`
	Hold     map[string]float64
	Drain    drainStory
}

type drainStory struct {
	Trigger   string
	End       string
	Seconds   float64
	Exchanges int
}

func parseState(t *testing.T, text string) (s drainState) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		t.Fatalf("status %q: %v", text, err)
	}
	return s
}

func (d *duck) status(t *testing.T) drainState {
	t.Helper()
	return parseState(t, get(t, "http://"+d.control+"/status").body)
}

func TestDrainBeginsADrainAndReturnsAtOnce(t *testing.T) {
	t.Parallel()
	app := startApp(t)
	d := startServe(t, app.addr, "LAMEDUCK_HOLD_MIN=20s")
	if s := parseState(t, d.drain(t)); s.Phase != "draining" || s.Drain.Trigger != "drain request" {
		t.Errorf("lameduck drain says %+v, want that a drain request has begun the drain", s)
	}
	if a := d.get(t, "/"); a.body != "hello" || !a.closes {
		t.Errorf("answer %+v, want the app's with the close option", a)
	}
	if s := parseState(t, d.drain(t)); s.Phase != "draining" {
		t.Errorf("a second lameduck drain says %+v, want the same drain", s)
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
		t.Errorf("lameduck drain --wait says %+v, want a hold that has ended in quiet", s)
	}
	if took := time.Since(begun); took < 600*time.Millisecond {
		t.Errorf("lameduck drain --wait has returned after %v, want the end of the hold", took)
	}
	d.wantRunning(t, "the app has not gone, and nobody has told it to stop")
	d.signal(t, syscall.SIGTERM)
	d.wantExit(t, exitOK)
}

// The kubelet's signal to a native sidecar says that the time is over: what is left is cut and told within the two seconds that are
// left.
func TestANativeSidecarTellsBeforeItIsKilled(t *testing.T) {
	t.Parallel()
	for name, path := range map[string]string{"an app that sees its client leave": "/wait", "an app that does not": "/deaf"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := startApp(t)
			d := startServe(t, app.addr, "LAMEDUCK_GRACE_PERIOD=2m")
			app.keepBusyWith(t, d, path)
			d.hold(t)
			d.awaitHook(t)
			d.drain(t, "--native")
			d.wantRunningFor(t, time.Second, "an exchange is in flight")
			told := time.Now()
			d.signal(t, syscall.SIGTERM)
			d.wantExit(t, exitOK)
			if took := time.Since(told); took > 2*time.Second {
				t.Errorf("that took %v, want less than the 2s after which it is killed", took)
			}
			if f := d.logged(t, "stopped"); f["reason"] != "max" || f["cut_exchanges"] != 1.0 || f["unanswered_exchanges"] != 0.0 {
				t.Errorf("story %v, want Max and one exchange cut", f)
			}
		})
	}
}

func TestDrainFailsWhereNoLameduckRuns(t *testing.T) {
	t.Parallel()
	p := start(t, []string{"LAMEDUCK_CONTROL=" + freeAddress(t)}, programPath("lameduck"), "drain")
	p.wantExit(t, exitFailure)
	if said := p.stderr.String(); !strings.Contains(said, "is lameduck running, with the same LAMEDUCK_CONTROL?") {
		t.Errorf("it says %q, want what to look for", said)
	}
}

func TestStatusTellsHowThingsStand(t *testing.T) {
	t.Parallel()
	app := startApp(t)
	d := startServe(t, app.addr, "LAMEDUCK_HOLD_MIN=20s", "LAMEDUCK_HOLD_MAX=21s")
	c := app.keepBusy(t, d)
	s := d.status(t)
	if s.Phase != "serving" || s.Drain.Trigger != "" || s.InFlight == nil || *s.InFlight != 1 || s.SilentIn == nil {
		t.Errorf("status %+v, want serving with an exchange in flight and no drain", s)
	}
	want := map[string]float64{"min_seconds": 20, "quiet_seconds": 0.3, "max_seconds": 21, "silence_factor": 3}
	for name, value := range want {
		if s.Hold[name] != value {
			t.Errorf("status has %v as %s of the hold, want %v", s.Hold[name], name, value)
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
		{"drain at the app's address", http.MethodPost, "http://" + d.front + "/drain", http.StatusOK}, // it is the app's
	} {
		if a, err := request(r.method, r.url, ""); err != nil || a.status != r.status {
			t.Errorf("%s is answered %d, %v, want %d", r.name, a.status, err, r.status)
		}
	}
	if s := d.status(t); s.Phase != "serving" {
		t.Errorf("phase %s, want serving", s.Phase)
	}
	d.signal(t, syscall.SIGTERM)
	d.wantExit(t, exitOK)
}

func TestAHookAloneIsAContainerRestart(t *testing.T) {
	t.Parallel()
	d := startServe(t, startApp(t).addr, "LAMEDUCK_HOOK_WINDOW=300ms")
	begun := time.Now()
	a := receive(t, d.hold(t), "answer to the hook")
	if a.status != http.StatusOK || a.body != "serving\n" {
		t.Errorf("the hook is answered %d %q, want that lameduck goes on serving", a.status, a.body)
	}
	if took := time.Since(begun); took < 300*time.Millisecond {
		t.Errorf("the hook has been let go after %v, want the hook window of 300ms", took)
	}
	if phase := d.metric(t, `lameduck_phase{phase="serving"}`); phase != "1" {
		t.Errorf("the metric of the phase serving is %s, want 1", phase)
	}
	if status := d.ready(t); status != http.StatusOK {
		t.Errorf("/readyz answers %d, want 200", status)
	}
	if a := d.get(t, "/"); a.closes {
		t.Error("a client is told to leave although there is no drain")
	}
	d.signal(t, syscall.SIGTERM)
	d.wantExit(t, exitOK)
}

func TestAHookIsAnsweredAtTheEndOfTheHold(t *testing.T) {
	for _, tt := range []struct {
		name  string
		begin func(t *testing.T, d *duck) (hook <-chan answer)
	}{
		{"when it comes before the drain", func(t *testing.T, d *duck) <-chan answer {
			hook := d.hold(t)
			d.awaitHook(t)
			d.beginDrain(t)
			return hook
		}},
		{"when it comes during the drain", func(t *testing.T, d *duck) <-chan answer {
			d.beginDrain(t)
			return d.hold(t)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			app := startApp(t)
			d := startServe(t, app.addr, "LAMEDUCK_HOLD_MIN=800ms")
			hook := tt.begin(t, d)
			if a := receive(t, hook, "answer to the hook"); a.body != "drained\n" {
				t.Errorf("the hook is answered %q, want drained", a.body)
			}
			if s := d.status(t); s.Phase != "drained" || s.Drain.Seconds < 0.8 {
				t.Errorf("status %+v when the hook is answered, want a hold that has ended", s)
			}
			app.die()
			d.wantExit(t, exitOK)
		})
	}
}

func TestReadinessLastsUntilTheEndOfTheHold(t *testing.T) {
	t.Parallel()
	app := startApp(t)
	d := startServe(t, app.addr)
	if status := d.ready(t); status != http.StatusOK {
		t.Errorf("/readyz answers %d while serving, want 200", status)
	}
	busy := app.keepBusy(t, d)
	hook := d.hold(t)
	d.awaitHook(t)
	d.beginDrain(t)
	if status := d.ready(t); status != http.StatusOK {
		t.Errorf("/readyz answers %d while draining, want 200", status)
	}
	close(app.release)
	busy.receive(t)
	receive(t, hook, "answer to the hook")
	if status := d.ready(t); status != http.StatusServiceUnavailable {
		t.Errorf("/readyz answers %d after the hold, want 503", status)
	}
	if live := get(t, "http://"+d.admin+"/livez").status; live != http.StatusOK {
		t.Errorf("/livez answers %d after the hold, want 200", live)
	}
	app.die()
	d.wantExit(t, exitOK)
}

func TestReadinessFailsAfterTheTimeThatIsSet(t *testing.T) {
	t.Parallel()
	app := startApp(t)
	d := startServe(t, app.addr, "LAMEDUCK_HOLD_MIN=20s", "LAMEDUCK_UNREADY_AFTER=700ms")
	d.beginDrain(t)
	if status := d.ready(t); status != http.StatusOK && d.status(t).Drain.Seconds < 0.7 {
		t.Errorf("/readyz answers %d at the drain's start, want 200", status)
	}
	eventually(t, "/readyz fails", func() bool { return d.ready(t) == http.StatusServiceUnavailable })
	if s := d.status(t); s.Phase != "draining" || s.Drain.Seconds < 0.7 {
		t.Errorf("status %+v when /readyz fails, want draining for 700ms at least", s)
	}
	if a := d.get(t, "/"); a.body != "hello" {
		t.Errorf("answer %+v when /readyz fails, want the app's", a)
	}
	app.die()
	d.wantExit(t, exitOK)
}

func TestTheLoadBalancersHealthCheckFailsWhileDraining(t *testing.T) {
	t.Parallel()
	app := startApp(t)
	d := startServe(t, app.addr, "LAMEDUCK_HOLD_MIN=20s", "LAMEDUCK_LB_HEALTH_PATHS=/lb")
	if a := d.get(t, "/lb"); a.body != "hello" {
		t.Errorf("answer %+v to a health check while serving, want the app's", a)
	}
	d.beginDrain(t)
	if a := d.get(t, "/lb"); a.status != http.StatusServiceUnavailable || !a.closes {
		t.Errorf("answer %+v to a health check while draining, want 503 with the close option", a)
	}
	if a := d.get(t, "/"); a.body != "hello" {
		t.Errorf("answer %+v to another request while draining, want the app's", a)
	}
	app.die()
	d.wantExit(t, exitOK)
}
