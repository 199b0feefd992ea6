package integration

import (
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// A terminal is a pseudoterminal with a program that has it as its controlling terminal.
type terminal struct {
	*program
	keyboard *os.File
	screen   *transcript
}

// startAtTerminal runs a script of the shell at a terminal that does not echo.
func startAtTerminal(t *testing.T, env []string, script string) *terminal {
	t.Helper()
	keyboard, device := openTerminal(t)
	cmd := newCommand(env, "/bin/sh", "-c", script)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = device, device, device
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 0}
	d := &terminal{startCommand(t, cmd), keyboard, newTranscript()}
	_ = device.Close()
	go func() {
		_, _ = io.Copy(d.screen, keyboard) // until no process has the terminal
		d.screen.end()
	}()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the terminal has shown:\n%s", d.screen)
		}
	})
	return d
}

// openTerminal returns both ends of a new pseudoterminal.
func openTerminal(t *testing.T) (keyboard, device *os.File) {
	t.Helper()
	keyboard, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		lack(t, "needs pseudoterminals: "+err.Error())
	}
	t.Cleanup(func() { _ = keyboard.Close() })
	raw, err := keyboard.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	number := 0
	controlErr := raw.Control(func(fd uintptr) { number, err = setUpTerminal(int(fd)) })
	if err != nil || controlErr != nil {
		t.Fatal(err, controlErr)
	}
	device, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return keyboard, device
}

// setUpTerminal unlocks a pseudoterminal, and turns off its echo and its translation of line ends.
// It returns its number.
func setUpTerminal(fd int) (number int, err error) {
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		return 0, err
	}
	settings, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return 0, err
	}
	settings.Lflag &^= unix.ECHO
	settings.Oflag &^= unix.OPOST
	if err := unix.IoctlSetTermios(fd, unix.TCSETS, settings); err != nil {
		return 0, err
	}
	return unix.IoctlGetInt(fd, unix.TIOCGPTN)
}

// The keys of a terminal.
const (
	controlD = "\x04"
	controlZ = "\x1a"
)

func (d *terminal) types(t *testing.T, keys string) {
	t.Helper()
	if _, err := io.WriteString(d.keyboard, keys); err != nil {
		t.Fatal(err)
	}
}

// answers types a line, and expects cat to repeat it: cat is not stopped and has the terminal.
func (d *terminal) answers(t *testing.T, line string) {
	t.Helper()
	d.types(t, line+"\n")
	d.screen.awaitLine(t, line)
}

// awaitStopped waits until all processes of the shell's job are stopped. One that is not yet could
// still read what is typed.
func (d *terminal) awaitStopped(t *testing.T) {
	t.Helper()
	eventually(t, "the job is stopped", func() bool { return allStopped(d.pid(), processes()) > 0 })
}

// wantFg expects that a script whose job is stopped reads a line, and that cat, which the script then
// brings to the foreground, has the terminal until the end of its input.
func (d *terminal) wantFg(t *testing.T) {
	t.Helper()
	d.awaitStopped(t)
	d.types(t, "\n")
	d.answers(t, "two")
	d.types(t, controlD)
	d.screen.awaitLine(t, "ended 0")
	d.wantExit(t, exitOK)
}

// allStopped returns how many descendants a process has if all of them are stopped, and otherwise a
// negative number.
func allStopped(parent int, all []processInfo) (n int) {
	for _, p := range all {
		if p.parent != parent {
			continue
		}
		below := allStopped(p.pid, all)
		if p.state != "T" || below < 0 {
			return -1
		}
		n += 1 + below
	}
	return n
}

// ways are the ways to start an app, as commands that the app's own follows.
func ways(t *testing.T) map[string]struct{ env, command string } {
	lameduck := programPath("lameduck") + " exec --"
	return map[string]struct{ env, command string }{
		"directly":      {},
		"by lameduck":   {"LAMEDUCK_ROUTES=" + freeAddress(t) + "=1", lameduck},
		"with takeover": {"LAMEDUCK_ROUTES=" + freeAddress(t) + "=takeover", lameduck},
	}
}

// stoppedBySIGTSTP is what the scripts print after a job that Ctrl-Z has stopped.
const stoppedBySIGTSTP = "stopped 148"

func TestCtrlZAndFgAreAsWithoutLameduck(t *testing.T) {
	for name, script := range map[string]string{
		"alone":         `set -m; APP cat; echo stopped $?; read line; fg >/dev/null; echo ended $?`,
		"in a pipeline": `set -m; APP cat | cat; echo stopped $?; read line; fg >/dev/null; echo ended $?`,
		"in a script":   `set -m; sh -c 'APP cat; exit $?'; echo stopped $?; read line; fg >/dev/null; echo ended $?`,
	} {
		for way, app := range ways(t) {
			t.Run(name+", "+way, func(t *testing.T) {
				t.Parallel()
				_, env := prepare(t, "1", app.env)
				d := startAtTerminal(t, env, strings.ReplaceAll(script, "APP", app.command))
				d.answers(t, "one")
				d.types(t, controlZ)
				d.screen.awaitLine(t, stoppedBySIGTSTP)
				d.wantFg(t)
			})
		}
	}
}

func TestBgIsAsWithoutLameduck(t *testing.T) {
	for way, app := range ways(t) {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			_, env := prepare(t, "1", app.env)
			d := startAtTerminal(t, env, `set -m; `+app.command+` sh -c 'kill -TSTP $$; echo continued'; `+
				`echo stopped $?; bg >/dev/null; wait; echo ended $?`)
			d.screen.awaitLine(t, stoppedBySIGTSTP)
			d.screen.awaitLine(t, "continued")
			d.screen.awaitLine(t, "ended 0")
			d.wantExit(t, exitOK)
		})
	}
}

// An app in the background is stopped when it reads from the terminal.
func TestFgOfAnAppInTheBackgroundIsAsWithoutLameduck(t *testing.T) {
	for way, app := range ways(t) {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			_, env := prepare(t, "1", app.env)
			d := startAtTerminal(t, env, `set -m; `+app.command+` cat & read line; fg >/dev/null; echo ended $?`)
			d.wantFg(t)
		})
	}
}

// Where no shell could continue a job, as in docker run -it, the kernel ignores Ctrl-Z.
func TestCtrlZWithoutAShellStopsNothing(t *testing.T) {
	for way, app := range ways(t) {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			_, env := prepare(t, "1", app.env)
			d := startAtTerminal(t, env, "exec "+app.command+" cat")
			d.answers(t, "one")
			d.types(t, controlZ)
			d.answers(t, "two")
			d.types(t, controlD)
			d.wantExit(t, exitOK)
		})
	}
}

// The app is in the foreground while it runs, and after it the script that has started Lameduck.
func TestAScriptReadsFromTheTerminalAfterTheAppHasEnded(t *testing.T) {
	for name, test := range map[string]struct{ app, code string }{
		"ended":       {"true", "0"},
		"not started": {writeFile(t, "\x7fELF?", 0o755), "126"},
	} {
		for way, app := range ways(t) {
			if app.command == "" {
				continue // the shell would interpret what the kernel cannot execute
			}
			t.Run(name+", "+way, func(t *testing.T) {
				t.Parallel()
				_, env := prepare(t, "1", app.env)
				d := startAtTerminal(t, env, app.command+" "+test.app+`; echo code $?; read line; echo read $line`)
				d.screen.awaitLine(t, "code "+test.code)
				d.types(t, "a line\n")
				d.screen.awaitLine(t, "read a line")
				d.wantExit(t, exitOK)
			})
		}
	}
}

// With stty tostop, a terminal stops programs in the background that write, unless they ignore
// SIGTTOU.
func TestTheLogGoesToATerminalThatStopsOutput(t *testing.T) {
	t.Parallel()
	_, env := prepare(t, "1")
	d := startAtTerminal(t, env, "set -m; stty tostop; "+programPath("lameduck")+" exec -- cat; echo ended $?")
	d.answers(t, "one")
	d.screen.await(t, "serving", func(l string) bool { return fields(l)["msg"] == "serving" })
	d.types(t, controlD)
	d.screen.await(t, "app exited", func(l string) bool { return fields(l)["msg"] == "app exited" })
	d.screen.awaitLine(t, "ended 0")
	d.wantExit(t, exitOK)
}

// Gunicorn and unicorn take SIGTTIN and SIGTTOU as commands. Without a terminal, these signals are
// always commands.
func TestTheSignalsOfATerminalAreForwardedWithoutOne(t *testing.T) {
	t.Parallel()
	_, env := prepare(t, "1")
	cmd := newCommand(env, programPath("lameduck"), "exec", "--", programPath("child"), "-on", "SIGTERM=7")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	p := startCommand(t, cmd)
	p.stdout.awaitPrefix(t, "ready ")
	for _, s := range []syscall.Signal{syscall.SIGTTIN, syscall.SIGTTOU} {
		p.signal(t, s)
		p.stdout.awaitLine(t, "signal "+signalName(s))
	}
	p.signal(t, syscall.SIGTERM)
	p.wantExit(t, 7)
}
