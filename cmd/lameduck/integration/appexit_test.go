package integration

import (
	"syscall"
	"testing"
	"time"
)

func TestTheEndOfTheAppEndsTheDrainAndRefusesConnections(t *testing.T) {
	t.Parallel()
	app := startApp(t)
	d := startServe(t, app.addr, "LAMEDUCK_HOLD_MIN=15s", "LAMEDUCK_APP_WAIT=15s")
	d.beginDrain(t)
	app.die()
	waiting := dialClient(t, d.front) // in the moment before the app's end is noticed, or refused
	eventually(t, "connections are refused", func() bool { return refused(d.front) })
	waiting.wantNoAnswer(t)
	d.wantExit(t, exitOK)
	if f := d.logged(t, "stopped"); f["reason"] != "app_gone" {
		t.Errorf("story %v, want that the app has gone", f)
	}
}

func TestSIGTERMAfterTheHookFinishesAtOnceWhenTheAppHasGone(t *testing.T) {
	t.Parallel()
	app := startApp(t)
	d := startServe(t, app.addr)
	hook := d.hold(t)
	d.awaitHook(t)
	d.beginDrain(t)
	receive(t, hook, "answer to the hook")
	app.die()
	begun := time.Now()
	_ = d.cmd.Process.Signal(syscall.SIGTERM) // it may have noticed, and ended, before
	d.wantExit(t, exitOK)
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("the end took %v, want none of the grace period's 30s", took)
	}
}

func TestTheAppIsServedAfterTheHoldUntilItHasGone(t *testing.T) {
	t.Parallel()
	app := startApp(t)
	d := startServe(t, app.addr)
	hook := d.hold(t)
	d.awaitHook(t)
	d.signal(t, syscall.SIGTERM) // a plain second container: its signal comes at the beginning
	receive(t, hook, "answer to the hook")
	if a := d.get(t, "/"); a.body != "hello" {
		t.Errorf("answer %+v after the hold, want the app's as long as it lives", a)
	}
	d.wantRunning(t, "it is to serve until the app has gone")
	app.die()
	d.wantExit(t, exitOK)
}
