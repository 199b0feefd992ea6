package proc

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lameduck/bench/internal/procfs"
)

func start(t *testing.T, c Command) *Process {
	t.Helper()
	p, err := Start(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	return p
}

func shell(script string) Command {
	return Command{Path: "/bin/sh", Args: []string{"-c", script}, Env: []string{"PATH=/usr/bin:/bin"}}
}

func TestStopEndsTheChildrenToo(t *testing.T) {
	dir := t.TempDir()
	c := shell("sleep 100 & echo $! > pid; mv pid child; wait")
	c.Dir = dir
	p := start(t, c)
	var child int
	err := p.Await(t.Context(), "start its child", func(context.Context) error {
		text, err := os.ReadFile(filepath.Join(dir, "child"))
		child, _ = strconv.Atoi(strings.TrimSpace(string(text)))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	p.Stop()
	for deadline := time.Now().Add(time.Minute); !ended(t, child); {
		if time.Now().After(deadline) {
			t.Fatal("the child is still running")
		}
		time.Sleep(time.Millisecond)
	}
}

// ended reports whether a process has ended. It may be a zombie until init reaps it.
func ended(t *testing.T, pid int) bool {
	t.Helper()
	stat, err := procfs.Read(pid, "stat")
	if err != nil && !errors.Is(err, procfs.ErrEnded) {
		t.Fatal(err)
	}
	return err != nil || strings.Contains(stat, ") Z ") || strings.Contains(stat, ") X ")
}

func TestAwaitFailsWhenTheProgramEnds(t *testing.T) {
	p := start(t, shell("echo no configuration >&2; exit 3"))
	err := p.Await(t.Context(), "listen", func(context.Context) error { return errors.New("refused") })
	if err == nil || !strings.Contains(err.Error(), "sh: listen: it ended") || !strings.Contains(err.Error(), "no configuration") {
		t.Errorf("error %v, want the program's name, its task and its last output", err)
	}
	if s := p.State(); s != "exit status 3" {
		t.Errorf("state %q", s)
	}
	if err := p.Signal(syscall.SIGTERM); !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("a signal to a program that has ended returns %v", err)
	}
}

func TestAwaitFailsWhenTheContextEnds(t *testing.T) {
	p := start(t, shell("exec sleep 100"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.Await(ctx, "listen", func(context.Context) error { return errors.New("refused") }); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestOutputGoesToTheFile(t *testing.T) {
	output, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer output.Close()
	c := shell("echo $HOME-; pwd")
	c.Output, c.Dir = output, "/"
	p := start(t, c)
	<-p.Exited()
	if got := p.LastWords(); got != "-\n/" {
		t.Errorf("output %q, want the directory, and none of our environment", got)
	}
}

func TestAProgramRunsOnItsCores(t *testing.T) {
	var own unix.CPUSet
	if err := unix.SchedGetaffinity(0, &own); err != nil {
		t.Fatal(err)
	}
	core := 0
	for !own.IsSet(core) {
		core++
	}
	var one unix.CPUSet
	one.Set(core)
	c := shell("grep Cpus_allowed_list /proc/self/status")
	c.Cores = &one
	p := start(t, c)
	<-p.Exited()
	if got := strings.Fields(p.LastWords()); len(got) != 2 || got[1] != strconv.Itoa(core) {
		t.Errorf("the program may run on %q, want only core %d", p.LastWords(), core)
	}
	var after unix.CPUSet
	if err := unix.SchedGetaffinity(0, &after); err != nil || after != own {
		t.Errorf("our own cores changed (%v)", err)
	}
}

func TestAProgramThatIsNotThere(t *testing.T) {
	if _, err := Start(Command{Path: "/no/such/program"}); err == nil || !strings.HasPrefix(err.Error(), "start program: ") {
		t.Errorf("error %v", err)
	}
}

func TestWaitReturnsHowTheProgramEnded(t *testing.T) {
	var out strings.Builder
	c := shell("echo result; echo warning >&2")
	c.Stdout = &out
	p := start(t, c)
	if err := p.Wait(t.Context()); err != nil || out.String() != "result\n" || p.LastWords() != "warning" {
		t.Errorf("it wrote %q and %q, and ended with %v", out.String(), p.LastWords(), err)
	}
	if err := start(t, shell("exit 3")).Wait(t.Context()); err == nil || err.Error() != "exit status 3" {
		t.Errorf("a program that fails ended with %v", err)
	}
}

func TestWaitStopsTheProgramWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	p := start(t, shell("exec sleep 100"))
	cancel()
	if err := p.Wait(ctx); !errors.Is(err, context.Canceled) || p.State() != "signal: killed" {
		t.Errorf("got %v and %s, want the context's error and a killed program", err, p.State())
	}
}
