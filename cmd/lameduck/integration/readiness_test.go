package integration

import (
	"net/http"
	"testing"
)

func TestReadinessLastsUntilTheEndOfTheHold(t *testing.T) {
	t.Parallel()
	app := startApp(t)
	d := startServe(t, app.addr)
	if status := d.ready(t); status != http.StatusOK {
		t.Errorf("/readyz: status %d while serving, want 200", status)
	}
	busy := app.keepBusy(t, d)
	hook := d.hold(t)
	d.awaitHook(t)
	d.beginDrain(t)
	if status := d.ready(t); status != http.StatusOK {
		t.Errorf("/readyz: status %d while draining, want 200", status)
	}
	close(app.release)
	busy.receive(t)
	receive(t, hook, "answer to the hook")
	if status := d.ready(t); status != http.StatusServiceUnavailable {
		t.Errorf("/readyz: status %d after the hold, want 503", status)
	}
	if live := get(t, "http://"+d.admin+"/livez").status; live != http.StatusOK {
		t.Errorf("/livez: status %d after the hold, want 200", live)
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
		t.Errorf("/readyz: status %d at the start of the drain, want 200", status)
	}
	eventually(t, "/readyz fails", func() bool { return d.ready(t) == http.StatusServiceUnavailable })
	if s := d.status(t); s.Phase != "draining" || s.Drain.Seconds < 0.7 {
		t.Errorf("status %+v when /readyz fails, want draining for at least 700ms", s)
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
