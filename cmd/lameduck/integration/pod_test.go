package integration

import (
	"fmt"
	"strconv"
	"syscall"
	"testing"
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

// wantQuietEnd looks that all traffic had gone when the drain ended.
func (d *duck) wantQuietEnd(t *testing.T) {
	t.Helper()
	d.wantTerminationLog(t, "(quiet; ", "cut: 0 exchanges on 0 connections")
}

// told returns how many connections have ended whose clients were told to leave.
func (d *duck) told(t *testing.T, protocol string) int {
	t.Helper()
	n, err := strconv.Atoi(d.metric(t, fmt.Sprintf(`lameduck_connections_total{ended_by="drain",protocol=%q}`, protocol)))
	if err != nil {
		t.Fatal(err)
	}
	return n
}
