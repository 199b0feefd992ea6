// Package proc starts programs for measurements and tests. Each leads a process group: it is
// stopped together with its children, it does not get a Ctrl-C at the terminal, and it ends if this
// process dies.
package proc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A Command is a program to start.
type Command struct {
	// Path is the program's file, or its name in PATH.
	Path string
	Args []string
	// Name is used in errors. The default is the last element of Path.
	Name string
	// Dir is the working directory. The default is that of this process.
	Dir string
	// Env is the whole environment.
	Env []string
	// Output is the file for stdout and stderr. If it is nil, only the end of the output is kept,
	// for errors.
	Output *os.File
	// Stdout takes what the program writes to stdout. If it is nil, stdout is treated like stderr.
	Stdout io.Writer
	// Orphaned is the signal that the program gets if this process dies. The default is SIGKILL.
	Orphaned syscall.Signal
	// Cores are the cores that it may run on. The default is those of this process.
	Cores *unix.CPUSet
}

// A Process is a program that was started, with its children.
type Process struct {
	name   string
	cmd    *exec.Cmd
	output *os.File
	tail   tail
	err    error         // of the program, once exited is closed
	exited chan struct{} // closed when the program has ended and its group has been killed

	mu     sync.Mutex
	reaped bool
}

// Start starts the program.
func Start(c Command) (*Process, error) {
	p := &Process{name: c.Name, output: c.Output, exited: make(chan struct{})}
	if p.name == "" {
		p.name = filepath.Base(c.Path)
	}
	if c.Orphaned == 0 {
		c.Orphaned = syscall.SIGKILL
	}
	p.cmd = exec.Command(c.Path, c.Args...)
	p.cmd.Dir, p.cmd.Env = c.Dir, c.Env
	if p.cmd.Env == nil {
		p.cmd.Env = []string{} // nil would inherit the environment
	}
	if c.Output != nil {
		p.cmd.Stdout, p.cmd.Stderr = c.Output, c.Output
	} else {
		p.cmd.Stdout, p.cmd.Stderr = &p.tail, &p.tail
	}
	if c.Stdout != nil {
		p.cmd.Stdout = c.Stdout
	}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: c.Orphaned}
	started := make(chan error)
	go p.run(c.Cores, started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", p.name, err)
	}
	return p, nil
}

// run starts the program and waits for its end. It keeps its thread until then, because Linux sends
// the orphan signal when the thread that started the program ends. A child inherits the cores of
// that thread, so the thread is bound to them as well, and is not used again.
func (p *Process) run(cores *unix.CPUSet, started chan<- error) {
	runtime.LockOSThread()
	if cores != nil {
		if err := unix.SchedSetaffinity(0, cores); err != nil {
			started <- fmt.Errorf("bind to cores: %w", err)
			return
		}
	}
	err := p.cmd.Start()
	started <- err
	if err != nil {
		return
	}
	// Until the program has been reaped, its process ID, which names the group, is not reused.
	for errors.Is(unix.Waitid(unix.P_PID, p.PID(), nil, unix.WEXITED|unix.WNOWAIT, nil), unix.EINTR) {
	}
	p.Kill()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err = p.cmd.Wait()
	p.reaped = true
	close(p.exited)
}

// PID returns the ID of the program's first process.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Exited returns a channel that is closed when the program has ended and been reaped, and its group
// has been killed.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// State describes how the program ended, such as "exit status 1". It must not be called before
// Exited is closed.
func (p *Process) State() string { return p.cmd.ProcessState.String() }

// Signal sends a signal to the program itself. It returns [os.ErrProcessDone] if that has ended.
func (p *Process) Signal(s syscall.Signal) error { return p.cmd.Process.Signal(s) }

// Kill kills the program and its children. It does not wait.
func (p *Process) Kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.reaped {
		_ = syscall.Kill(-p.PID(), syscall.SIGKILL) // fails only if all have ended
	}
}

// Wait waits for the program's end. It returns nil if the program exited with code 0. If ctx is
// done first, it stops the program and returns the context's error.
func (p *Process) Wait(ctx context.Context) error {
	select {
	case <-p.exited:
		return p.err
	case <-ctx.Done():
		p.Stop()
		return context.Cause(ctx)
	}
}

// Stop kills the program and its children, and waits for the program's end.
func (p *Process) Stop() {
	p.Kill()
	<-p.exited
}

const (
	pollPeriod  = 2 * time.Millisecond // of Await
	awaitWithin = time.Minute          // far longer than programs need
	lastWords   = 2 << 10              // bytes of output in an error
)

// Await returns nil as soon as check does. It fails if the program ends first, or after a minute. The
// string what names the awaited state in errors.
func (p *Process) Await(ctx context.Context, what string, check func(context.Context) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, awaitWithin, fmt.Errorf("not within %v", awaitWithin))
	defer cancel()
	tick := time.NewTicker(pollPeriod)
	defer tick.Stop()
	for {
		failed := check(ctx)
		if failed == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-p.exited:
			return p.Failure(what, errors.New("it ended"))
		case <-ctx.Done():
			return p.Failure(what, fmt.Errorf("%w: %w", context.Cause(ctx), failed))
		}
	}
}

// Failure adds the program's name and the end of its output to an error.
func (p *Process) Failure(what string, err error) error {
	return fmt.Errorf("%s: %s: %w; its output ends with: %s", p.name, what, err, p.LastWords())
}

// LastWords returns the end of the program's output.
func (p *Process) LastWords() string {
	if p.output == nil {
		return p.tail.String()
	}
	text, err := os.ReadFile(p.output.Name())
	if err != nil {
		return err.Error()
	}
	return string(bytes.TrimSpace(text[max(0, len(text)-lastWords):]))
}

// A tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	text []byte // guarded by mu
}

// Write implements [io.Writer].
func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, b...)
	t.text = t.text[max(0, len(t.text)-lastWords):]
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(bytes.TrimSpace(t.text))
}
