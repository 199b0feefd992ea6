package integration

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func TestTheTerminationLogHasTheSummary(t *testing.T) {
	t.Parallel()
	app := startApp(t)
	d := startServe(t, app.addr)
	busy := app.keepBusy(t, d)
	d.signal(t, syscall.SIGTERM)
	d.logged(t, "draining")
	d.get(t, "/")
	close(app.release)
	busy.receive(t)
	d.wantExit(t, exitOK)
	d.wantTerminationLog(t, "drained in ", "(quiet; triggered by stop signal)",
		"1 exchange after its start", "cut: 0 exchanges", "http1 connections ended: 2 by drain")
}

func TestATerminationLogThatCannotBeWrittenIsLogged(t *testing.T) {
	t.Parallel()
	d := startServe(t, startApp(t).addr, "LAMEDUCK_TERMINATION_LOG="+t.TempDir())
	d.signal(t, syscall.SIGTERM)
	d.logged(t, "write termination log")
	d.wantExit(t, exitOK)
}

func TestATerminationLogThatIsNotAFileIsNotWritten(t *testing.T) {
	dir := t.TempDir()
	precious := filepath.Join(dir, "precious")
	if err := os.WriteFile(precious, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, create := range map[string]func(path string) error{
		"FIFO":    func(p string) error { return unix.Mkfifo(p, 0o600) },
		"symlink": func(p string) error { return os.Symlink(precious, p) },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(dir, name)
			if err := create(path); err != nil {
				t.Fatal(err)
			}
			d := startServe(t, startApp(t).addr, "LAMEDUCK_TERMINATION_LOG="+path)
			d.signal(t, syscall.SIGTERM)
			if f := d.logged(t, "write termination log"); f["error"] != "not a regular file" {
				t.Errorf("error %v, want that it is not a regular file", f["error"])
			}
			d.wantExit(t, exitOK)
			if b, err := os.ReadFile(precious); string(b) != "precious" {
				t.Errorf("target of the link %q, %v", b, err)
			}
		})
	}
}
