package integration

import (
	"syscall"
	"testing"
)

func TestEverySignalThatEndsAProgramBeginsADrain(t *testing.T) {
	for name, s := range map[string]syscall.Signal{
		"SIGTERM": syscall.SIGTERM, "SIGHUP": syscall.SIGHUP, "SIGQUIT": syscall.SIGQUIT,
		"SIGUSR1": syscall.SIGUSR1, "SIGUSR2": syscall.SIGUSR2, "SIGALRM": syscall.SIGALRM,
		"SIGPWR": syscall.SIGPWR, "SIGRTMIN+3": 37,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := startApp(t)
			d := startServe(t, app.addr)
			busy := app.keepBusy(t, d)
			d.signal(t, s)
			if f := d.logged(t, "draining"); f["trigger"] != "stop signal" {
				t.Errorf("the drain was triggered by %v, want a stop signal", f["trigger"])
			}
			close(app.release)
			if a := busy.receive(t); a.body != "waited" {
				t.Errorf("answer %+v to the request in flight, want the app's", a)
			}
			d.wantExit(t, exitOK)
			d.wantTerminationLog(t, "(quiet; triggered by stop signal)")
		})
	}
}

func TestTheStopSignalThatIsSetBeginsADrainOfServeToo(t *testing.T) {
	for name, s := range map[string]syscall.Signal{"SIGWINCH": syscall.SIGWINCH, "28": 28, "SIGRTMAX-1": 63} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := startServe(t, startApp(t).addr, "LAMEDUCK_STOP_SIGNAL="+name)
			d.signal(t, s)
			d.logged(t, "draining")
			d.wantExit(t, exitOK)
		})
	}
}

func TestUnderNohupASIGHUPIsIgnored(t *testing.T) {
	t.Parallel()
	app := startApp(t)
	d, env := prepare(t, app.addr)
	d.program = start(t, env, "/bin/sh", "-c", "trap '' HUP; exec "+programPath("lameduck")+" serve")
	d.logged(t, "serving")
	if !ignores(t, d.pid(), syscall.SIGHUP) {
		t.Error("the program does not ignore SIGHUP, which the shell has set to ignored")
	}
	d.signal(t, syscall.SIGHUP)
	if a := d.get(t, "/"); a.body != "hello" || a.closes {
		t.Errorf("answer %+v after SIGHUP, want the app's, without a close option", a)
	}
	d.signal(t, syscall.SIGTERM)
	d.wantExit(t, exitOK)
}

// The main process of a service of systemd ignores SIGPIPE.
func TestUnderSystemdTheChildIgnoresSIGPIPE(t *testing.T) {
	for _, routes := range []string{"1", "takeover"} {
		for name, service := range map[string]bool{"as a service": true, "below a service": false} {
			t.Run(routes+" "+name, func(t *testing.T) {
				t.Parallel()
				_, env := prepare(t, "127.0.0.1:1")
				env = append(env, "LAMEDUCK_ROUTES="+freeAddress(t)+"="+routes, "SYSTEMD_EXEC_PID=1")
				script := "exec " + programPath("lameduck") + " exec -- sleep 600"
				if service {
					script = "SYSTEMD_EXEC_PID=$$ " + script
				}
				p := start(t, env, "/bin/sh", "-c", script)
				if got := ignores(t, findChild(t, p.pid(), "sleep"), syscall.SIGPIPE); got != service {
					t.Errorf("the child ignores SIGPIPE: %v, want %v", got, service)
				}
				p.signal(t, syscall.SIGTERM)
				p.wantExit(t, 128+15)
			})
		}
	}
}

// An app that reports to systemd's watchdog does so if it is the process that WATCHDOG_PID names,
// or if none is named.
func TestTheAppReportsToTheWatchdogOfSystemd(t *testing.T) {
	for _, routes := range []string{"1", "takeover"} {
		t.Run(routes, func(t *testing.T) {
			t.Parallel()
			_, env := prepare(t, "127.0.0.1:1")
			env = append(env, "LAMEDUCK_ROUTES="+freeAddress(t)+"="+routes, "WATCHDOG_USEC=30000000")
			p := start(t, env, "/bin/sh", "-c", "export WATCHDOG_PID=$$; exec "+programPath("lameduck")+
				` exec -- sh -c 'echo "${WATCHDOG_PID-none} $WATCHDOG_USEC"'`)
			p.stdout.awaitLine(t, "none 30000000")
			p.wantExit(t, exitOK)
		})
	}
}

// A child starts with the same ignored signals as without lameduck.
func TestUnderNohupTheChildIgnoresSIGHUPToo(t *testing.T) {
	for _, routes := range []string{"1", "takeover"} {
		t.Run(routes, func(t *testing.T) {
			t.Parallel()
			_, env := prepare(t, "127.0.0.1:1")
			env = append(env, "LAMEDUCK_ROUTES="+freeAddress(t)+"="+routes)
			p := start(t, env, "/bin/sh", "-c", "trap '' HUP INT; exec "+programPath("lameduck")+" exec -- sleep 600")
			child := findChild(t, p.pid(), "sleep")
			for _, s := range []syscall.Signal{syscall.SIGHUP, syscall.SIGINT} {
				if !ignores(t, child, s) {
					t.Errorf("the child does not ignore %v, which the shell has set to ignored", s)
				}
				p.signal(t, s)
			}
			p.signal(t, syscall.SIGTERM)
			p.wantExit(t, 128+15)
		})
	}
}
