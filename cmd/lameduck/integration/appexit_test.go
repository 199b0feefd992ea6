package integration

import (
	"context"
	"syscall"
	"testing"
	"time"
)

func TestTheExitOfTheAppEndsTheDrainAndRefusesConnections(t *testing.T) {
	t.Parallel()
	app := startApp(t)
	d := startServe(t, app.addr, "LAMEDUCK_HOLD_MIN=15s", "LAMEDUCK_APP_WAIT=15s")
	d.beginDrain(t)
	d.suspend(t)
	app.die()
	waiting := dialClient(t, d.front) // before lameduck can notice the app's end
	d.signal(t, syscall.SIGCONT)
	eventually(t, "connections are refused", func() bool { return refused(d.front) })
	waiting.wantNoAnswer(t)
	d.wantExit(t, exitOK)
	if f := d.logged(t, "stopped"); f["reason"] != "app_gone" {
		t.Errorf("summary %v, want app_gone", f)
	}
}

func TestSIGTERMAfterTheHookEndsAtOnceWhenTheAppHasExited(t *testing.T) {
	t.Parallel()
	app := startApp(t)
	d := startServe(t, app.addr)
	hook := d.hold(t)
	d.awaitHook(t)
	d.beginDrain(t)
	receive(t, hook, "answer to the hook")
	app.die()
	begun := time.Now()
	_ = d.cmd.Process.Signal(syscall.SIGTERM) // lameduck may have ended already
	d.wantExit(t, exitOK)
	if took := time.Since(begun); took > 20*time.Second {
		t.Errorf("the exit took %v, want much less than the grace period of 30s", took)
	}
}

func TestTheAppIsServedAfterTheHoldUntilItExits(t *testing.T) {
	t.Parallel()
	app := startApp(t)
	d := startServe(t, app.addr)
	hook := d.hold(t)
	d.awaitHook(t)
	d.signal(t, syscall.SIGTERM) // a plain second container gets its signal at the beginning
	receive(t, hook, "answer to the hook")
	if a := d.get(t, "/"); a.body != "hello" {
		t.Errorf("answer %+v after the hold, want the app's while it runs", a)
	}
	d.wantRunning(t, "the app has not exited")
	app.die()
	d.wantExit(t, exitOK)
}

// A graceful shutdown closes the listener first, which looks like the exit, and answers what is in
// flight.
func TestAnAppThatShutsDownGracefullyAnswersWhatIsInFlight(t *testing.T) {
	t.Parallel()
	app := startApp(t)
	d := startServe(t, app.addr)
	client := app.keepBusy(t, d)
	d.beginDrain(t)
	shut := make(chan error, 1)
	go func() { shut <- app.server.Shutdown(context.Background()) }()
	eventually(t, "connections are refused", func() bool { return refused(d.front) })
	d.wantRunningFor(t, 3*time.Second, "the app has not answered yet")
	close(app.release)
	if a := client.receive(t); a.body != "waited" || !a.closes {
		t.Errorf("answer %+v, want the app's, with the close option", a)
	}
	d.wantExit(t, exitOK)
	if err := receive(t, shut, "end of the app's shutdown"); err != nil {
		t.Error(err)
	}
}
