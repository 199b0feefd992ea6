package integration

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
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
	t.Parallel()
	d := startServe(t, startApp(t).addr, "LAMEDUCK_STOP_SIGNAL=SIGWINCH")
	d.signal(t, syscall.SIGWINCH)
	d.logged(t, "draining")
	d.wantExit(t, exitOK)
}

func TestUnderNohupASIGHUPIsIgnored(t *testing.T) {
	t.Parallel()
	app := startApp(t)
	d, env := prepare(t, app.addr)
	d.program = start(t, env, "/bin/sh", "-c", "trap '' HUP; exec "+programPath("lameduck")+" serve")
	d.logged(t, "serving")
	d.signal(t, syscall.SIGHUP)
	if a := d.get(t, "/"); a.body != "hello" || a.closes {
		t.Errorf("answer %+v after SIGHUP, want the app's, without a close option", a)
	}
	d.signal(t, syscall.SIGTERM)
	d.wantExit(t, exitOK)
}

func TestATerminationLogThatIsNoFileStopsNothing(t *testing.T) {
	dir := t.TempDir()
	precious := filepath.Join(dir, "precious")
	if err := os.WriteFile(precious, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, make := range map[string]func(path string) error{
		"FIFO":    func(p string) error { return unix.Mkfifo(p, 0o600) },
		"symlink": func(p string) error { return os.Symlink(precious, p) },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(dir, name)
			if err := make(path); err != nil {
				t.Fatal(err)
			}
			d := startServe(t, startApp(t).addr, "LAMEDUCK_TERMINATION_LOG="+path)
			d.signal(t, syscall.SIGTERM)
			if f := d.logged(t, "write termination log"); f["error"] != "not a regular file" {
				t.Errorf("the error is %v, want that it is not a regular file", f["error"])
			}
			d.wantExit(t, exitOK)
			if b, err := os.ReadFile(precious); string(b) != "precious" {
				t.Errorf("the link's target has become %q, %v", b, err)
			}
		})
	}
}

func TestExecLogsHowTheAppExited(t *testing.T) {
	t.Parallel()
	env := []string{
		"LAMEDUCK_ROUTES=" + freeAddress(t) + "=1", "LAMEDUCK_ADMIN=" + freeAddress(t), "LAMEDUCK_CONTROL=" + freeAddress(t),
	}
	for _, tt := range []struct {
		name, script string
		code         int
		field        string
		want         any
	}{
		{"with its own code", "exit 3", 3, "exit_code", 3.0},
		{"in order", "exit 0", 0, "exit_code", 0.0},
		{"by a signal", "kill -KILL $$", 137, "signal", "SIGKILL"},
	} {
		p := start(t, env, programPath("lameduck"), "exec", "--", "/bin/sh", "-c", tt.script)
		p.wantExit(t, tt.code)
		f := p.logged(t, "app exited")
		if f[tt.field] != tt.want || f["pid"] == nil {
			t.Errorf("%s: the log says %v, want %s %v and the pid", tt.name, f, tt.field, tt.want)
		}
		duration(t, f, "after")
	}
}
