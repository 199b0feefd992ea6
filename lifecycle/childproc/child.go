package childproc

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"lameduck/lifecycle"
)

// A Child is the app as a child process, in a process group of its own.
type Child struct {
	Config
	start  time.Time
	exited chan struct{}      // closed by reap when the child has exited
	status syscall.WaitStatus // of the process that has exited; written before exited is closed
	last   int                // its pid

	mu     sync.Mutex
	pid    int              // 0 if it may belong to another process; guarded by mu
	missed []syscall.Signal // that came while there was no process; guarded by mu
}

// A Config configures a [Child].
type Config struct {
	// Stop is the signal that Release sends. The kernel sends it too if the thread that called
	// Start ends.
	Stop syscall.Signal
	// Spawn starts the program, as syscall.ForkExec does.
	Spawn func(path string, argv []string, attr *syscall.ProcAttr) (pid int, err error)
	// Daemon returns the process that continues as a daemon after the program has exited with 0,
	// one of the orphans that it left, or 0. It sets wait if a daemon may still be starting. If
	// Daemon is nil, programs are never followed.
	Daemon func(orphans []int) (pid int, wait bool)
	Log    *zap.Logger
}

// The exit codes of shells for a command that cannot be run.
const (
	ExitCannotRun = 126
	ExitNotFound  = 127
)

// A StartError is the error of a command that could not be run, with the exit code for it.
type StartError struct {
	Command string
	Code    int // ExitCannotRun or ExitNotFound
	Err     error
}

func (e *StartError) Error() string { return fmt.Sprintf("run %s: %v", e.Command, e.Err) }
func (e *StartError) Unwrap() error { return e.Err }

// Start runs a command with the environment and the standard streams of this process. The caller must
// lock its goroutine to a thread for as long as the process lives. The error is a *StartError.
func Start(argv []string, config Config) (*Child, error) {
	path, err := exec.LookPath(argv[0])
	if err != nil && !errors.Is(err, exec.ErrDot) { // the PATH may have the current directory in it
		return nil, startError(argv[0], err)
	}
	adoptOrphans()
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGCHLD)
	terminal := HasTerminal()
	if terminal {
		signal.Notify(make(chan os.Signal, 1), syscall.SIGTTOU) // until it is ignored
	}
	sys := childAttr(config.Stop)
	pid, err := config.Spawn(path, argv, &syscall.ProcAttr{Env: environment(), Files: []uintptr{0, 1, 2}, Sys: sys})
	if terminal {
		// With the child in the foreground, this process may still write its log to the terminal (even
		// after stty tostop), and take the terminal back. The child must not inherit this.
		signal.Ignore(syscall.SIGTTOU)
	}
	if err != nil {
		signal.Stop(ended)
		if sys.Foreground {
			reclaimTerminal(0)
		}
		return nil, startError(argv[0], err)
	}
	c := &Child{Config: config, pid: pid, start: time.Now(), exited: make(chan struct{})}
	go c.reap(ended)
	return c, nil
}

// environment returns the environment of the child. The variables of systemd's watchdog are for the
// process WATCHDOG_PID or, without that, for any.
func environment() []string {
	ours := "WATCHDOG_PID=" + strconv.Itoa(os.Getpid())
	return slices.DeleteFunc(os.Environ(), func(v string) bool { return v == ours })
}

func startError(command string, err error) *StartError {
	code := ExitCannotRun
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, os.ErrNotExist) {
		code = ExitNotFound
	}
	return &StartError{Command: command, Code: code, Err: err}
}

// reap reaps the app and the orphans that it leaves, until the app has exited.
func (c *Child) reap(ended chan os.Signal) {
	defer signal.Stop(ended)
	for pid := c.pid; ; {
		<-ended
		if !c.reapEnded(pid) {
			continue
		}
		reclaimTerminal(pid)
		if pid = c.followDaemon(ended); pid == 0 {
			c.logExit()
			close(c.exited)
			return
		}
	}
}

// logExit logs how the app has exited.
func (c *Child) logExit() {
	how := []zap.Field{zap.Int("exit_code", c.status.ExitStatus())}
	if c.status.Signaled() {
		how = []zap.Field{
			zap.String("signal", signalName(c.status.Signal())),
			zap.Bool("core_dumped", c.status.CoreDump()),
		}
	}
	c.Log.Info("app exited", append(how, zap.Int("pid", c.last), zap.Duration("after", time.Since(c.start)))...)
}

// signalName returns the name of a signal. Real-time signals have a number only.
func signalName(s syscall.Signal) string { return cmp.Or(unix.SignalName(s), s.String()) }

// reapEnded reaps the children that have exited so far. It reports whether app was among them. If app
// has been stopped, this process follows it.
func (c *Child) reapEnded(app int) (done bool) {
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG|syscall.WUNTRACED, nil)
		if err == syscall.EINTR {
			continue
		}
		if pid <= 0 {
			return done
		}
		switch {
		case pid != app:
		case status.Stopped():
			followStop(app, status.StopSignal())
		default:
			c.setPID(0)
			c.status, c.last, done = status, pid, true
		}
	}
}

// Signal forwards a signal to the child.
func (c *Child) Signal(s syscall.Signal) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pid == 0 {
		c.missed = append(c.missed, s)
		return
	}
	c.signalLocked(s)
}

func (c *Child) signalLocked(s syscall.Signal) {
	if err := syscall.Kill(c.pid, s); err != nil {
		c.Log.Warn("signal child", zap.Stringer("signal", s), zap.Error(err))
	}
}

// setPID sets the process that gets signals, and sends it those that arrived before.
func (c *Child) setPID(pid int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pid = pid; pid == 0 {
		return
	}
	for _, s := range c.missed {
		c.signalLocked(s)
	}
	c.missed = nil
}

// Watch does nothing: SIGCHLD reports the exit.
func (c *Child) Watch(context.Context) {}

// LookAgain does nothing: SIGCHLD reports the exit.
func (c *Child) LookAgain() {}

// Exited is closed when the child has exited.
func (c *Child) Exited() <-chan struct{} { return c.exited }

// Release sends the child its stop signal.
func (c *Child) Release() { c.Signal(c.Stop) }

// Policy makes this process exit with the child, and forward interrupts to it.
func (c *Child) Policy() lifecycle.Policy {
	return lifecycle.Policy{KeepsInterrupts: true, AwaitExit: true}
}

// ExitCode waits for the child's exit and returns its exit code, or 128 plus the number of the signal that ended it.
func (c *Child) ExitCode() int {
	<-c.exited
	if c.status.Signaled() {
		return 128 + int(c.status.Signal())
	}
	return c.status.ExitStatus()
}
