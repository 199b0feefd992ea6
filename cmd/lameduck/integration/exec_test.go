package integration

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestExecEndsWithTheCodeOfItsCommand(t *testing.T) {
	t.Parallel()
	child := programPath("child")
	for _, tt := range []struct {
		name    string
		command []string
		want    int
	}{
		{"success", []string{child, "-exit", "0"}, 0},
		{"failure", []string{child, "-exit", "3"}, 3},
		{"the highest code", []string{child, "-exit", "255"}, 255},
		{"killed by SIGTERM", []string{child, "-die", "SIGTERM"}, 128 + 15},
		{"killed by SIGKILL", []string{child, "-die", "SIGKILL"}, 128 + 9},
		{"found in the path", []string{"true"}, 0},
		{"not found in the path", []string{"no-such-command"}, 127},
		{"no such file", []string{"./no-such-file"}, 127},
		{"not executable", []string{writeFile(t, "#!/bin/sh\n", 0o644)}, 126},
		{"not in a format that can be executed", []string{writeFile(t, "\x7fELF?", 0o755)}, 126},
		{"an interpreter that is not there", []string{writeFile(t, "#!/no/such/interpreter\n", 0o755)}, 127},
		{"a directory", []string{t.TempDir()}, 126},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, env := prepare(t, "127.0.0.1:1")
			p := start(t, env, programPath("lameduck"), append([]string{"exec", "--"}, tt.command...)...)
			p.wantExit(t, tt.want)
			got, reason := p.stderr.String(), "lameduck: run "+tt.command[0]+": "
			if tt.want >= 126 && tt.want <= 127 && !strings.Contains(got, reason) {
				t.Errorf("error %q, want %q in it", got, reason)
			}
		})
	}
}

// An empty element of PATH means the current directory, as in a shell.
func TestExecRunsACommandThatThePATHFindsInTheCurrentDirectory(t *testing.T) {
	t.Parallel()
	_, env := prepare(t, "127.0.0.1:1")
	file := writeFile(t, "#!/bin/sh\nexit 6\n", 0o755)
	cmd := newCommand(append(env, "PATH=:"+os.Getenv("PATH")), programPath("lameduck"), "exec", "--", filepath.Base(file))
	cmd.Dir = filepath.Dir(file)
	startCommand(t, cmd).wantExit(t, 6)
}

func TestExecRefusesAFaultyConfigurationBeforeItStartsTheCommand(t *testing.T) {
	t.Parallel()
	p := start(t, []string{"LAMEDUCK_HOLD_MINIMUM=5s"}, programPath("lameduck"), "exec", "--", programPath("child"))
	p.wantExit(t, exitUsage)
	if out := p.stdout.String(); out != "" {
		t.Errorf("the command was started: %s", out)
	}
}

// startChild starts lameduck with the child of these tests, and waits until the child is ready.
func startChild(t *testing.T, env []string, args ...string) *lameduck {
	t.Helper()
	d := startExec(t, "127.0.0.1:1", env, append([]string{programPath("child")}, args...)...)
	pid, _ := d.child(t)
	t.Cleanup(func() { killChild(pid) })
	return d
}

// killChild kills a child that a failed test has left behind.
func killChild(pid int) {
	if p, ok := findProcess(pid); ok && p.name == "child" {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

func TestTheStopSignalIsKeptBackUntilTheHoldHasEnded(t *testing.T) {
	t.Parallel()
	for _, s := range []syscall.Signal{
		syscall.SIGTERM, syscall.SIGQUIT, syscall.SIGWINCH, syscall.SIGINT, syscall.SIGUSR1,
		syscall.Signal(37), // SIGRTMIN+3, that of systemd in a container
	} {
		t.Run(signalName(s), func(t *testing.T) {
			t.Parallel()
			name := signalName(s)
			d := startChild(t, []string{"LAMEDUCK_STOP_SIGNAL=" + name}, "-on", name+"=7")
			sent := time.Now()
			d.signal(t, s)
			d.logged(t, "draining")
			got := d.stdout.awaitLine(t, "signal "+name)
			if held := got.at.Sub(sent); held < 300*time.Millisecond {
				t.Errorf("the child got the stop signal after %v, before the end of the hold of 300ms", held)
			}
			d.wantExit(t, 7)
			if f := d.logged(t, "stopped"); f["trigger"] != "stop signal" || f["reason"] != "quiet" {
				t.Errorf("summary %v, want a stop signal and quiet", f)
			}
		})
	}
}

func TestSIGTERMIsForTheChildWhereTheStopSignalIsAnother(t *testing.T) {
	t.Parallel()
	d := startChild(t, []string{"LAMEDUCK_STOP_SIGNAL=SIGQUIT", "LAMEDUCK_HOLD_MIN=20s"}, "-on", "SIGTERM=5")
	d.signal(t, syscall.SIGTERM)
	d.wantExit(t, 5)
}

func TestEveryOtherSignalIsForwardedAnyNumberOfTimes(t *testing.T) {
	t.Parallel()
	d := startChild(t, []string{"LAMEDUCK_HOLD_MIN=20s"}, "-on", "SIGVTALRM=9")
	others := []syscall.Signal{
		syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2,
		syscall.SIGWINCH, syscall.SIGCONT, syscall.SIGALRM, syscall.SIGIO, syscall.SIGTSTP, syscall.Signal(40), // a real-time signal
	}
	forward := func(times int) {
		for _, s := range others {
			d.signal(t, s)
			eventually(t, fmt.Sprintf("%v is there %d times", s, times), func() bool {
				return d.stdout.count("signal "+signalName(s)) == times
			})
		}
	}
	forward(1)
	forward(2)
	forward(3)
	d.wantRunning(t, "all these signals are for the child")
	d.signal(t, syscall.SIGTERM)
	d.logged(t, "draining")
	d.signal(t, syscall.SIGHUP)
	eventually(t, "SIGHUP is there again", func() bool { return d.stdout.count("signal SIGHUP") == 4 })
	if n := d.stdout.count("signal SIGTERM"); n != 0 {
		t.Error("the child got the stop signal during the hold")
	}
	d.signal(t, syscall.SIGVTALRM)
	d.wantExit(t, 9)
}

func TestASecondStopSignalDoesNotShortenTheHold(t *testing.T) {
	t.Parallel()
	d := startChild(t, []string{"LAMEDUCK_HOLD_MIN=2s"}, "-on", "SIGTERM=7")
	d.signal(t, syscall.SIGTERM)
	d.logged(t, "draining")
	d.signal(t, syscall.SIGTERM)
	d.signal(t, syscall.SIGTERM)
	d.wantExit(t, 7)
	if hold := duration(t, d.logged(t, "stopped"), "hold"); hold < 2*time.Second {
		t.Errorf("the hold lasted %v, want at least Min of 2s", hold)
	}
	if n := d.stdout.count("signal SIGTERM"); n != 1 {
		t.Errorf("the child got the stop signal %d times, want once", n)
	}
}

func TestAStopSignalAfterTheHoldIsForwardedToo(t *testing.T) {
	t.Parallel()
	d := startChild(t, nil, "-on", "SIGUSR1=7")
	d.signal(t, syscall.SIGTERM)
	for n := 1; n <= 3; n++ {
		eventually(t, fmt.Sprintf("the stop signal is there %d times", n), func() bool {
			return d.stdout.count("signal SIGTERM") == n
		})
		d.signal(t, syscall.SIGTERM)
	}
	d.signal(t, syscall.SIGUSR1)
	d.wantExit(t, 7)
}

func TestTwoInterruptsEndTheHoldAtOnce(t *testing.T) {
	t.Parallel()
	d := startChild(t, []string{"LAMEDUCK_HOLD_MIN=20s"}, "-on", "SIGTERM=7")
	d.signal(t, syscall.SIGINT)
	d.stdout.awaitLine(t, "signal SIGINT")
	if s := d.status(t); s.Phase != "serving" {
		t.Errorf("phase %s after an interrupt without a drain, want serving: the interrupt is for the child", s.Phase)
	}
	d.signal(t, syscall.SIGTERM)
	d.logged(t, "draining")
	for n := 2; n <= 3; n++ {
		d.signal(t, syscall.SIGINT)
		eventually(t, "the child gets the interrupt", func() bool {
			return d.stdout.count("signal SIGINT") == n || d.hasEnded()
		})
	}
	d.wantExit(t, 7)
	if f := d.logged(t, "stopped"); f["reason"] != "interrupted" {
		t.Errorf("the hold ended with the reason %v, want interrupted", f["reason"])
	}
}

// Two interrupts end the hold, not the child. A child that exits slowly still gets every signal.
func TestAfterTwoInterruptsTheChildStillGetsSignals(t *testing.T) {
	t.Parallel()
	d := startChild(t, []string{"LAMEDUCK_HOLD_MIN=20s"}, "-on", "SIGUSR1=7")
	d.signal(t, syscall.SIGTERM)
	d.logged(t, "draining")
	d.signal(t, syscall.SIGINT)
	d.stdout.awaitLine(t, "signal SIGINT")
	d.signal(t, syscall.SIGINT)
	d.stdout.awaitLine(t, "signal SIGTERM")
	d.logged(t, "drained")
	d.signal(t, syscall.SIGHUP)
	d.stdout.awaitLine(t, "signal SIGHUP")
	d.signal(t, syscall.SIGTERM)
	eventually(t, "the stop signal is there twice", func() bool { return d.stdout.count("signal SIGTERM") == 2 })
	d.signal(t, syscall.SIGUSR1)
	d.wantExit(t, 7)
}

func TestExecEndsWhenTheChildExits(t *testing.T) {
	t.Parallel()
	t.Run("while serving", func(t *testing.T) {
		t.Parallel()
		d := startChild(t, nil, "-on", "SIGUSR1=9")
		d.signal(t, syscall.SIGUSR1)
		d.wantExit(t, 9)
	})
	t.Run("while draining", func(t *testing.T) {
		t.Parallel()
		d := startChild(t, []string{"LAMEDUCK_HOLD_MIN=20s"}, "-on", "SIGUSR1=9")
		d.signal(t, syscall.SIGTERM)
		d.logged(t, "draining")
		d.signal(t, syscall.SIGUSR1)
		d.wantExit(t, 9)
		if f := d.logged(t, "stopped"); f["reason"] != "app_gone" {
			t.Errorf("the hold ended with the reason %v, want app_gone", f["reason"])
		}
	})
	t.Run("by a signal", func(t *testing.T) {
		t.Parallel()
		d := startChild(t, nil)
		pid, _ := d.child(t)
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		d.wantExit(t, 128+9)
	})
}

func TestTheChildIsStoppedWhenLameduckIsKilled(t *testing.T) {
	t.Parallel()
	d := startChild(t, []string{"LAMEDUCK_STOP_SIGNAL=SIGQUIT"}, "-on", "SIGQUIT=7")
	pid, _ := d.child(t)
	d.signal(t, syscall.SIGKILL)
	eventually(t, "the child has ended", func() bool { p, ok := findProcess(pid); return !ok || p.state == "Z" })
}

func TestTheChildIsServedDuringTheHold(t *testing.T) {
	t.Parallel()
	app := freeAddress(t)
	d := startExec(t, app, []string{"LAMEDUCK_HOLD_MIN=20s"}, programPath("child"), "-listen", app, "-on", "SIGUSR1=9")
	awaitApp(t, d.front)
	d.signal(t, syscall.SIGTERM)
	d.logged(t, "draining")
	if a := d.get(t, "/"); a.body != "hello" || !a.closes {
		t.Errorf("answer %+v, want the child's with the close option", a)
	}
	d.signal(t, syscall.SIGUSR1)
	d.wantExit(t, 9)
}

func TestDrainEndsTheChildAsTheStopSignalDoes(t *testing.T) {
	t.Parallel()
	d := startChild(t, []string{"LAMEDUCK_STOP_SIGNAL=SIGQUIT"}, "-on", "SIGQUIT=7")
	d.beginDrain(t)
	d.wantExit(t, 7)
}

func TestTheChildHasAProcessGroupOfItsOwn(t *testing.T) {
	t.Parallel()
	d := startChild(t, nil, "-on", "SIGTERM=0")
	pid, group := d.child(t)
	if group != pid {
		t.Errorf("the child %d is in the process group %d, want one of its own", pid, group)
	}
	if own, ok := findProcess(d.pid()); !ok || own.group == group {
		t.Errorf("lameduck is in the process group %d like its child", own.group)
	}
	d.signal(t, syscall.SIGTERM)
	d.wantExit(t, 0)
}

func TestTheChildInheritsTheStandardStreams(t *testing.T) {
	t.Parallel()
	_, env := prepare(t, "127.0.0.1:1")
	cmd := newCommand(env, programPath("lameduck"), "exec", "--", programPath("child"), "-cat")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	p := startCommand(t, cmd)
	if _, err := io.WriteString(in, "a line\n"); err != nil {
		t.Fatal(err)
	}
	p.stdout.awaitLine(t, "a line")
	p.stderr.awaitLine(t, "err: a line")
	_ = in.Close()
	p.wantExit(t, exitOK)
}

// A supervisor may pass more descriptors than the standard streams, for example to be notified.
func TestTheChildInheritsTheDescriptorsOfLameduck(t *testing.T) {
	for _, app := range []string{"1", "takeover"} {
		t.Run(app, func(t *testing.T) {
			t.Parallel()
			_, env := prepare(t, "1")
			env = append(env, "LAMEDUCK_ROUTES="+freePort(t)+"="+app)
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			cmd := newCommand(env, programPath("lameduck"), "exec", "--", "/bin/sh", "-c", "echo three >&3; echo four >&4")
			cmd.ExtraFiles = []*os.File{w, w}
			p := startCommand(t, cmd)
			_ = w.Close()
			if got, err := io.ReadAll(r); err != nil || string(got) != "three\nfour\n" {
				t.Errorf("the child has written %q, %v, want three and four", got, err)
			}
			p.wantExit(t, exitOK)
		})
	}
}

func TestTheChildInheritsNoSocket(t *testing.T) {
	t.Parallel()
	d := startExec(t, "127.0.0.1:1", nil, "sleep", "600")
	for _, child := range []int{d.pid(), onlyChild(t, d.pid())} {
		sockets := 0
		for _, target := range descriptors(t, child) {
			if strings.HasPrefix(target, "socket:") || strings.HasPrefix(target, "anon_inode:") {
				sockets++
			}
		}
		if ours := child == d.pid(); ours != (sockets > 0) {
			t.Errorf("%d sockets are open (lameduck itself: %v)", sockets, ours)
		}
	}
	d.signal(t, syscall.SIGTERM)
	d.wantExit(t, 128+15)
}

func TestOrphansAreReaped(t *testing.T) {
	t.Parallel()
	d := startChild(t, nil, "-orphan", "-on", "SIGTERM=7")
	var orphan int
	if _, err := fmt.Sscan(d.stdout.awaitPrefix(t, "orphan "), &orphan); err != nil {
		t.Fatal(err)
	}
	if p, ok := findProcess(orphan); !ok || p.parent != d.pid() {
		t.Errorf("the orphan's parent is %d, want lameduck, %d", p.parent, d.pid())
	}
	if err := syscall.Kill(orphan, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the orphan has been reaped", func() bool { _, ok := findProcess(orphan); return !ok })
	d.wantRunning(t, "the child lives")
	d.signal(t, syscall.SIGTERM)
	d.wantExit(t, 7)
}

func TestExecAsPID1(t *testing.T) {
	t.Parallel()
	unshare := requireUnshare(t)
	_, env := prepare(t, "127.0.0.1:1")
	p := start(t, env, unshare, "--fork", "--pid", "--mount-proc", "--kill-child",
		programPath("lameduck"), "exec", "--", programPath("child"), "-orphan", "-on", "SIGTERM=7")
	p.stdout.awaitPrefix(t, "ready ")
	lameduck := onlyChild(t, p.pid())
	if first := namespacePID(t, lameduck); first != "1" {
		t.Errorf("lameduck has PID %s in its namespace, want 1", first)
	}
	orphan := findChild(t, lameduck, "sleep")
	if err := syscall.Kill(orphan, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the orphan has been reaped", func() bool { _, ok := findProcess(orphan); return !ok })
	if err := syscall.Kill(lameduck, syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	p.stdout.awaitLine(t, "signal SIGHUP")
	if err := syscall.Kill(lameduck, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.logged(t, "draining")
	p.wantExit(t, 7)
}

// requireUnshare returns the path of unshare, which starts a process as PID 1 of a namespace.
func requireUnshare(t *testing.T) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root for a PID namespace")
	}
	unshare := requireProgram(t, "unshare")
	p := start(t, nil, unshare, "--fork", "--pid", "--mount-proc", "true")
	if p.wait(t) != 0 {
		t.Skip("needs the right to make a PID namespace: " + p.stderr.String())
	}
	return unshare
}

func TestExecLogsHowTheAppExited(t *testing.T) {
	t.Parallel()
	env := []string{
		"LAMEDUCK_ROUTES=" + freeAddress(t) + "=1",
		"LAMEDUCK_ADMIN=" + freeAddress(t), "LAMEDUCK_CONTROL=" + freeAddress(t),
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
		{"by a signal without a name", "kill -40 $$", 128 + 40, "signal", "signal 40"},
	} {
		p := start(t, env, programPath("lameduck"), "exec", "--", "/bin/sh", "-c", tt.script)
		p.wantExit(t, tt.code)
		f := p.logged(t, "app exited")
		if f[tt.field] != tt.want || f["pid"] == nil {
			t.Errorf("%s: the log has %v, want %s %v and the pid", tt.name, f, tt.field, tt.want)
		}
		duration(t, f, "after")
	}
}

// child returns the IDs that the child prints.
func (d *lameduck) child(t *testing.T) (pid, group int) {
	t.Helper()
	if _, err := fmt.Sscan(d.stdout.awaitPrefix(t, "ready "), &pid, &group); err != nil {
		t.Fatal(err)
	}
	return pid, group
}
