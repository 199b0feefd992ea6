package integration

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

func TestTakeoverAsPID1(t *testing.T) {
	t.Parallel()
	unshare := requireUnshare(t)
	d, env := prepare(t, "takeover", realHold...)
	d.program = start(t, env, unshare, "--fork", "--pid", "--mount-proc", "--kill-child",
		programPath("lameduck"), "exec", "--", programPath("child"), "-listen", d.front, "-on", "SIGTERM=7")
	d.logged(t, "listening in place of the app")
	l := startLoad(t, d.front, []kind{{"GET", "GET", "/", 200, false, true}})
	l.awaitAnswers(t, 10)
	d.wantLosslessStop(t, l, syscall.SIGTERM, 7)
}

// A container of Compose, ECS or Nomad has nothing but the image: two programs, /proc, and a user
// without rights. Lameduck is PID 1, and the engine sends it the stop signal.
func TestTakeoverInAnImagesRoot(t *testing.T) {
	t.Parallel()
	unshare := requireUnshare(t)
	root := imageRoot(t, "lameduck", "child")
	d, env := prepare(t, "takeover", append(realHold, "LAMEDUCK_TERMINATION_LOG=")...)
	d.program = start(t, env, unshare, "--fork", "--pid", "--mount", "--root="+root, "--mount-proc=/proc",
		"--kill-child", "--setuid=65532", "--setgid=65532",
		"/lameduck", "exec", "--", "/child", "-listen", d.front, "-on", "SIGTERM=7")
	d.logged(t, "listening in place of the app")
	l := startLoad(t, d.front, []kind{{"GET, kept", "GET", "/", 200, false, true}, {"GET, new", "GET", "/", 200, false, false}})
	l.awaitAnswers(t, 10)
	d.wantLosslessStop(t, l, syscall.SIGTERM, 7)
}

// wantLosslessStop sends a signal to Lameduck, which is the only child of the program, and continues
// the load in the drain. It expects no loss, an answer with the close option, and an exit code.
func (d *lameduck) wantLosslessStop(t *testing.T, l *load, signal syscall.Signal, code int) {
	t.Helper()
	before := l.closeOptions()
	if err := syscall.Kill(onlyChild(t, d.pid()), signal); err != nil {
		t.Fatal(err)
	}
	d.logged(t, "draining")
	l.awaitCloseOption(t, before)
	l.awaitAnswers(t, 50)
	l.stop()
	d.wantExit(t, code)
	l.wantNoLoss(t)
}

// imageRoot returns the root directory of an image that has some of the test's programs.
func imageRoot(t *testing.T, programs ...string) string {
	t.Helper()
	root := t.TempDir()
	for _, dir := range []string{root, filepath.Dir(root)} { // for a user without rights
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(root, "proc"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range programs {
		copyInto(t, root, programPath(name), "/"+name)
		for _, library := range libraries(t, programPath(name)) {
			copyInto(t, root, library, library)
		}
	}
	return root
}

// libraries returns the paths of the dynamic linker and the libraries of a program. A static one
// has none.
func libraries(t *testing.T, program string) []string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), requireProgram(t, "ldd"), program).CombinedOutput()
	if err != nil && !strings.Contains(string(out), "not a dynamic executable") {
		t.Fatalf("ldd: %v: %s", err, out)
	}
	return regexp.MustCompile(`/\S+\.so\S*`).FindAllString(string(out), -1)
}

// copyInto copies an executable to a path in a root directory.
func copyInto(t *testing.T, root, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	to = filepath.Join(root, to)
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		t.Fatal(err)
	}
	writeProgram(t, to, text, 0o755)
}
