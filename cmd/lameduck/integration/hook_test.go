package integration

import (
	"io"
	"net/http"
	"strconv"
	"syscall"
	"testing"
	"time"
)

func TestAHookAloneIsAContainerRestart(t *testing.T) {
	t.Parallel()
	d := startServe(t, startApp(t).addr, "LAMEDUCK_HOOK_WINDOW=300ms")
	begun := time.Now()
	a := receive(t, d.hold(t), "answer to the hook")
	if a.status != http.StatusOK || a.body != "serving\n" {
		t.Errorf("the hook got the answer %d %q, want serving", a.status, a.body)
	}
	if took := time.Since(begun); took < 300*time.Millisecond {
		t.Errorf("the hook was answered after %v, want the hook window of 300ms", took)
	}
	if phase := d.metric(t, `lameduck_phase{phase="serving"}`); phase != "1" {
		t.Errorf("metric for the phase serving %s, want 1", phase)
	}
	if status := d.ready(t); status != http.StatusOK {
		t.Errorf("/readyz: status %d, want 200", status)
	}
	if a := d.get(t, "/"); a.closes {
		t.Error("a response has the close option without a drain")
	}
	d.signal(t, syscall.SIGTERM)
	d.wantExit(t, exitOK)
}

func TestAHookIsAnsweredAtTheEndOfTheHold(t *testing.T) {
	for _, tt := range []struct {
		name  string
		begin func(t *testing.T, d *lameduck) (hook <-chan answer)
	}{
		{"when it comes before the drain", func(t *testing.T, d *lameduck) <-chan answer {
			hook := d.hold(t)
			d.awaitHook(t)
			d.beginDrain(t)
			return hook
		}},
		{"when it comes during the drain", func(t *testing.T, d *lameduck) <-chan answer {
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
				t.Errorf("the hook got the answer %q, want drained", a.body)
			}
			if s := d.status(t); s.Phase != "drained" || s.Drain.Seconds < 0.8 {
				t.Errorf("status %+v at the hook's answer, want a hold that has ended", s)
			}
			app.die()
			d.wantExit(t, exitOK)
		})
	}
}

const holdRequest = "GET /hold HTTP/1.1\r\nHost: lameduck\r\n\r\n"

// hookWaiters returns the number of callers that wait at /hold.
func (d *lameduck) hookWaiters(t *testing.T) int {
	t.Helper()
	n, err := strconv.Atoi(d.metric(t, "lameduck_hook_waiters"))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestACrowdAtTheHookReleasesNeitherTheAppNorItself(t *testing.T) {
	t.Parallel()
	app := startApp(t)
	d := startServe(t, app.addr, "LAMEDUCK_HOOK_WINDOW=10m", "LAMEDUCK_GRACE_PERIOD=10m")
	busy := app.keepBusy(t, d)
	first := crowd(t, 1000, d.admin, holdRequest)
	eventually(t, "1,000 callers wait", func() bool { return d.hookWaiters(t) == 1000 })
	hook := d.hold(t)
	eventually(t, "the app's hook waits too", func() bool { return d.hookWaiters(t) == 1001 })
	d.beginDrain(t)
	crowd(t, 1500, d.admin, holdRequest)
	eventually(t, "the limit is reached", func() bool { return d.hookWaiters(t) == 1001+1024 })
	select {
	case a := <-hook:
		t.Fatalf("the app's hook got the answer %+v during the drain", a)
	default:
	}
	close(app.release)
	busy.receive(t)
	if a := receive(t, hook, "answer to the hook"); a.body != "drained\n" {
		t.Errorf("the hook got the answer %q, want drained", a.body)
	}
	for i, c := range first {
		_ = c.SetDeadline(time.Now().Add(waitTimeout))
		if b, _ := io.ReadAll(c); len(b) == 0 {
			t.Fatalf("caller %d from before the drain was dropped for a later one", i)
		}
	}
	app.die()
	d.wantExit(t, exitOK)
}

func TestWhileServingACrowdAtTheHookDisplacesOnlyItself(t *testing.T) {
	t.Parallel()
	app := startApp(t)
	d := startServe(t, app.addr, "LAMEDUCK_HOOK_WINDOW=10m")
	hook := d.hold(t)
	d.awaitHook(t)
	conns := crowd(t, 1500, d.admin, holdRequest)
	eventually(t, "the limit is reached", func() bool { return d.hookWaiters(t) == 1024 })
	_ = conns[0].SetDeadline(time.Now().Add(waitTimeout))
	if b, err := io.ReadAll(conns[0]); len(b) > 0 {
		t.Errorf("a dropped caller read %q, %v; want no byte: any answer would release the app", b, err)
	}
	d.beginDrain(t)
	if a := receive(t, hook, "answer to the hook"); a.body != "drained\n" {
		t.Errorf("the hook got the answer %q, want drained", a.body)
	}
	app.die()
	d.wantExit(t, exitOK)
}
