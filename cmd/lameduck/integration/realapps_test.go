package integration

import (
	"testing"

	"golang.org/x/sys/unix"
)

func TestRealAppsLoseNothing(t *testing.T) {
	for _, a := range realApps {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			path := requireProgram(t, a.programs...)
			root, port := publicDir(t), freePort(t)
			command := a.command(t, path, root, port)
			p := startPod(t, start(t, nil, command[0], command[1:]...), "127.0.0.1:"+port,
				append(realHold, "LAMEDUCK_APP_WAIT=20s")...) // a backlog of 5 is soon full on a busy machine
			traffic := startTraffic(t, p.lameduck.front, &a)
			hook := p.beginEnd(t)
			traffic.stop(t)
			p.end(t, hook)
			traffic.load.wantNoLoss(t)
			p.lameduck.wantQuietEnd(t)
		})
	}
}

func TestRealAppsAsChildrenLoseNothing(t *testing.T) {
	for _, a := range realApps {
		if a.stopSignal == "" {
			continue
		}
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			path := requireProgram(t, a.programs...)
			root, port := publicDir(t), freePort(t)
			env := append([]string{"LAMEDUCK_STOP_SIGNAL=" + a.stopSignal}, realHold...)
			d := startExec(t, "127.0.0.1:"+port, env, a.command(t, path, root, port)...)
			traffic := startTraffic(t, d.front, &a)
			d.signal(t, unix.SignalNum(a.stopSignal))
			d.logged(t, "draining")
			traffic.stop(t)
			d.wantExit(t, exitOK)
			traffic.load.wantNoLoss(t)
			d.wantQuietEnd(t)
		})
	}
}
