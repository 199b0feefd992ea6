package integration

import (
	"syscall"
	"testing"
	"time"
)

// A pod is an app with lameduck as a native sidecar.
type pod struct {
	app      *program
	lameduck *lameduck
}

// startPod starts a lameduck beside an app that listens at an address.
func startPod(t *testing.T, app *program, address string, env ...string) *pod {
	t.Helper()
	return &pod{app, startServe(t, address, env...)}
}

// beginEnd does the first step of a kubelet when a pod is deleted: it calls both preStop hooks at
// once. The answer to the app's hook arrives on the channel.
func (p *pod) beginEnd(t *testing.T) (hook <-chan answer) {
	t.Helper()
	hook = p.lameduck.hold(t)
	p.lameduck.awaitHook(t)
	p.lameduck.drain(t)
	return hook
}

// end does the rest: it sends SIGTERM to the app once its hook is answered, and to lameduck once
// the app has exited.
func (p *pod) end(t *testing.T, hook <-chan answer) {
	t.Helper()
	if a := receive(t, hook, "answer to the hook"); a.body != "drained\n" {
		t.Errorf("the hook got the answer %q, want drained", a.body)
	}
	p.app.wantRunning(t, "the hook keeps it alive")
	p.app.signal(t, syscall.SIGTERM)
	p.app.wait(t)
	_ = p.lameduck.cmd.Process.Signal(syscall.SIGTERM) // lameduck may have ended already
	p.lameduck.wantExit(t, exitOK)
}

// realHold is the hold of pods. Its Quiet is long because a busy machine may stop every client for
// a moment.
var realHold = []string{"LAMEDUCK_HOLD_MIN=300ms", "LAMEDUCK_HOLD_QUIET=4s"}

// lag is how long the load balancer routes to a pod after its termination has begun.
const lag = time.Second
