package integration

import (
	"encoding/binary"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// wantRefusal expects that lameduck does not run its command, and names the reason.
func wantRefusal(t *testing.T, p *program, code int, reasons ...string) {
	t.Helper()
	p.wantExit(t, code)
	for _, reason := range reasons {
		if got := p.stderr.String(); !strings.Contains(got, reason) {
			t.Errorf("error %q, want %q in it", got, reason)
		}
	}
	if out := p.stdout.String(); out != "" {
		t.Errorf("the command was run: %q", out)
	}
}

const remedy = "LAMEDUCK_ROUTES=8080=8081" // the end of every refusal

func TestTakeoverWithoutAChildIsRefused(t *testing.T) {
	t.Parallel()
	_, env := prepare(t, "takeover")
	wantRefusal(t, start(t, env, programPath("lameduck"), "serve"), exitUsage, "lameduck exec -- COMMAND")
}

// The profile of a container may refuse system calls that takeover needs.
func TestTakeoverIsRefusedWhereSystemCallsAre(t *testing.T) {
	t.Parallel()
	for call, reason := range map[string]string{
		"seccomp": "refuses seccomp filters", "prctl": "cannot set no_new_privs",
	} {
		_, env := prepare(t, "takeover")
		p := start(t, env, programPath("child"), "-deny", call, "--",
			programPath("lameduck"), "exec", "--", "/bin/echo", "run")
		wantRefusal(t, p, exitFailure, reason, remedy)
	}
}

func TestTakeoverIsRefusedInsideOfTakeover(t *testing.T) {
	t.Parallel()
	_, inner := prepare(t, "takeover")
	_, outer := prepare(t, "takeover")
	command := append([]string{"exec", "--", "/usr/bin/env"}, inner...)
	p := start(t, outer, programPath("lameduck"), append(command, programPath("lameduck"), "exec", "--", "/bin/echo", "run")...)
	wantRefusal(t, p, exitFailure, "an outer lameduck", remedy)
}

func TestTakeoverOfAProgramThatWouldLoseRightsIsRefused(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		lack(t, "needs root for programs with rights")
	}
	for reason, grant := range map[string]func(path string) error{
		"the set-user-ID bit": func(path string) error {
			if err := os.Chown(path, 65534, 0); err != nil {
				return err
			}
			return os.Chmod(path, 0o755|os.ModeSetuid)
		},
		"the set-group-ID bit": func(path string) error {
			if err := os.Chown(path, 0, 65534); err != nil {
				return err
			}
			return os.Chmod(path, 0o755|os.ModeSetgid)
		},
		"file capabilities": func(path string) error {
			const revision2, unheardOf = 0x02000000, 1 << 13 // of the upper word: a capability that does not exist
			attribute := make([]byte, 20)
			binary.LittleEndian.PutUint32(attribute, revision2)
			binary.LittleEndian.PutUint32(attribute[12:], unheardOf)
			return unix.Setxattr(path, "security.capability", attribute, 0)
		},
	} {
		path := filepath.Join(t.TempDir(), "program")
		text, err := os.ReadFile("/bin/echo")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, text, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := grant(path); err != nil {
			t.Fatal(err)
		}
		_, env := prepare(t, "takeover")
		p := start(t, env, programPath("lameduck"), "exec", "--", path, "run")
		wantRefusal(t, p, exitFailure, path+" has "+reason, remedy)
	}
}

func TestTakeoverWithoutProcIsRefused(t *testing.T) {
	t.Parallel()
	unshare := requireUnshare(t)
	_, env := prepare(t, "takeover")
	p := start(t, env, unshare, "--mount", "/bin/sh", "-c", `umount -l /proc && exec "$@"`, "sh",
		programPath("lameduck"), "exec", "--", "/bin/echo", "run")
	wantRefusal(t, p, exitFailure, "/proc is not mounted", remedy)
}

// It cannot be known before the bind, so the bind fails, and the log has the reason.
func TestABindAfterAChangeOfUserIsExplained(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		lack(t, "needs root to change the user")
	}
	setpriv := requireProgram(t, "setpriv")
	d, env := prepare(t, "takeover")
	_, port, _ := net.SplitHostPort(d.front)
	p := start(t, env, setpriv, "--bounding-set=-sys_ptrace", "--inh-caps=-sys_ptrace",
		programPath("lameduck"), "exec", "--", setpriv, "--reuid=65534", "--regid=65534", "--clear-groups",
		"/usr/bin/python3", "-c", `
import socket, sys
try:
    socket.socket().bind(("127.0.0.1", int(sys.argv[1])))
except OSError as e:
    sys.exit(e.errno)`, port)
	p.wantExit(t, int(syscall.EADDRINUSE))
	if f := p.logged(t, "bind of the app not moved"); !strings.Contains(f["error"].(string), "changed its user") {
		t.Errorf("log line %v, want the reason", f)
	}
}
