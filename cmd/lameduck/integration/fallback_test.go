package integration

import (
	"net/http"
	"syscall"
	"testing"
	"time"
)

// startApart starts an app in a process of its own, so that it can be killed.
func startApart(t *testing.T) (*program, string) {
	t.Helper()
	address := freeAddress(t)
	app := start(t, nil, programPath("child"), "-listen", address)
	eventually(t, "the app accepts", func() bool { return !refused(address) })
	return app, address
}

func kill(t *testing.T, p *program) {
	t.Helper()
	p.signal(t, syscall.SIGKILL)
	p.wait(t)
}

// Every request after the kill has a new connection. The first ones arrive before lameduck can know
// that the app has exited.
func TestWithAFallbackNoNewConnectionFailsWhenTheAppIsKilled(t *testing.T) {
	t.Parallel()
	app, address := startApart(t)
	_, other := startApart(t)
	d := startServe(t, address, "LAMEDUCK_FALLBACK="+other, "LAMEDUCK_HOLD_MIN=10s")
	d.signal(t, syscall.SIGTERM)
	d.logged(t, "draining")
	for range 10 {
		if a := d.get(t, "/"); a.status != 200 || !a.closes {
			t.Fatalf("answer %+v while the app runs, want 200 with the close option", a)
		}
	}
	kill(t, app)
	for begun := time.Now(); time.Since(begun) < time.Second; {
		if a := d.get(t, "/"); a.status != 200 || a.body != "hello" || !a.closes {
			t.Fatalf("answer %+v after the app's end, want the fallback's with the close option", a)
		}
	}
	if n := d.metric(t, "lameduck_fallback_connections_total"); n == "0" {
		t.Error("no connection to the fallback was counted")
	}
	if d.ready(t) == 200 {
		t.Error("ready without an app")
	}
	d.wantExit(t, exitOK)
	if f := d.logged(t, "stopped"); f["reason"] != "quiet" {
		t.Errorf("summary %v, want quiet at the end", f)
	}
}

// Health checks go on when the app has exited, and reach the fallback.
func TestHealthChecksThatAFallbackAnswersDoNotHold(t *testing.T) {
	t.Parallel()
	app, address := startApart(t)
	_, other := startApart(t)
	d := startServe(t, address, "LAMEDUCK_FALLBACK="+other,
		"LAMEDUCK_HOLD_MIN=10s", "LAMEDUCK_GRACE_PERIOD=1m", "LAMEDUCK_HOLD_MAX=20s", "LAMEDUCK_LB_DELAY=0s")
	d.signal(t, syscall.SIGTERM)
	d.logged(t, "draining")
	kill(t, app)
	d.logged(t, "app has exited")
	d.wantQuietDespiteChecks(t, "http://"+d.front+"/", new(http.Transport))
}

// wantQuietDespiteChecks sends health checks, each on a new connection, until lameduck has ended. It
// expects that they have not held.
func (d *lameduck) wantQuietDespiteChecks(t *testing.T, url string, transport *http.Transport) {
	t.Helper()
	transport.DisableKeepAlives = true
	client := &http.Client{Transport: transport, Timeout: waitTimeout}
	for {
		select {
		case <-d.ended:
			if f := d.logged(t, "stopped"); f["reason"] != "quiet" {
				t.Errorf("summary %v, want quiet", f)
			}
			return
		case <-time.After(100 * time.Millisecond):
		}
		check, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		check.Header.Set("User-Agent", "kube-probe/1.34")
		if r, err := client.Do(check); err == nil { // otherwise the hold has ended
			_ = r.Body.Close()
		}
	}
}

func TestWithoutAFallbackConnectionsAreRefusedWhenTheAppIsKilled(t *testing.T) {
	t.Parallel()
	app, address := startApart(t)
	d := startServe(t, address, "LAMEDUCK_HOLD_MIN=20s")
	d.signal(t, syscall.SIGTERM)
	d.logged(t, "draining")
	kill(t, app)
	eventually(t, "connections are refused", func() bool { return refused(d.front) })
	d.wantExit(t, exitOK)
	if f := d.logged(t, "stopped"); f["reason"] != "app_gone" {
		t.Errorf("summary %v, want app_gone", f)
	}
}

// The fallback of a wrapper serves after the child has exited during the drain.
func TestTheFallbackServesWhenTheChildHasEndedInADrain(t *testing.T) {
	t.Parallel()
	_, other := startApart(t)
	address := freeAddress(t)
	d := startExec(t, address, []string{"LAMEDUCK_FALLBACK=" + other, "LAMEDUCK_HOLD_MIN=10s"},
		programPath("child"), "-listen", address, "-on", "SIGUSR1=7")
	eventually(t, "the child accepts", func() bool { return !refused(address) })
	d.signal(t, syscall.SIGTERM)
	d.logged(t, "draining")
	d.signal(t, syscall.SIGUSR1)
	d.logged(t, "app has exited")
	if a := d.get(t, "/"); a.status != 200 || !a.closes {
		t.Fatalf("answer %+v after the child's end, want the fallback's with the close option", a)
	}
	d.wantExit(t, 7)
}
