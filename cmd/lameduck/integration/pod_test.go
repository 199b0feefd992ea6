package integration

import (
	"syscall"
	"testing"
	"time"
)

// A pod is an app with a lameduck in front of it as a native sidecar.
type pod struct {
	app  *program
	duck *duck
}

// startPod starts a lameduck beside an app that listens at an address.
func startPod(t *testing.T, app *program, address string, env ...string) *pod {
	t.Helper()
	return &pod{app, startServe(t, address, env...)}
}

// beginEnd does what a kubelet does first when a pod is deleted: it calls both preStop hooks at once. The channel brings the
// answer to the app's.
func (p *pod) beginEnd(t *testing.T) (hook <-chan answer) {
	t.Helper()
	hook = p.duck.hold(t)
	p.duck.awaitHook(t)
	p.duck.drain(t)
	return hook
}

// end does the rest: SIGTERM to the app when its hook is answered, and to lameduck when the app has gone.
func (p *pod) end(t *testing.T, hook <-chan answer) {
	t.Helper()
	if said := receive(t, hook, "answer to the hook"); said.body != "drained\n" {
		t.Errorf("the hook is answered %q, want drained", said.body)
	}
	p.app.wantRunning(t, "it was to be kept alive")
	p.app.signal(t, syscall.SIGTERM)
	p.app.wait(t)
	_ = p.duck.cmd.Process.Signal(syscall.SIGTERM) // it may have noticed already
	p.duck.wantExit(t, exitOK)
}

// realHold is the hold in these tests. A machine that is busy with other things may stop every client for a moment.
var realHold = []string{"LAMEDUCK_HOLD_MIN=300ms", "LAMEDUCK_HOLD_QUIET=2s"}

// lag is how long the load balancer goes on sending after the beginning of the end.
const lag = time.Second
