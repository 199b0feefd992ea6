package balancer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// pollPeriod is how often a program is asked for what it does not tell by itself.
	pollPeriod = 2 * time.Millisecond
	// patience is how long a program may take to start or to take a change, which is a matter of milliseconds.
	patience = 10 * time.Second
	// lastWords is how many bytes of a program's log an error carries.
	lastWords = 1000
)

// process is a program of a load balancer, with the processes that it starts in turn.
type process struct {
	name   string
	log    string // the file that it writes to
	disarm func() bool
	exited chan struct{} // closed when all its processes have been killed

	mu     sync.Mutex
	cmd    *exec.Cmd
	reaped bool
}

// startProcess starts a program in the node's directory, where its output goes to NAME.log. It ends with stop, when ctx is
// done, and by the given signal when this process dies.
func startProcess(ctx context.Context, c nodeConfig, orphaned syscall.Signal, name string, args ...string) (*process, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return nil, err
	}
	output, err := os.Create(filepath.Join(c.Dir, name+".log"))
	if err != nil {
		return nil, fmt.Errorf("keep output of %s: %w", name, err)
	}
	defer output.Close() // the program has its own descriptor
	cmd := exec.Command(path, args...)
	cmd.Dir = c.Dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + c.Dir}
	cmd.Stdout, cmd.Stderr = output, output
	// A group of its own: it ends as a whole, and a Ctrl-C at the terminal reaches it only through us.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: orphaned}
	p := &process{name: name, log: output.Name(), exited: make(chan struct{}), cmd: cmd}
	started := make(chan error)
	go p.run(started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	p.disarm = context.AfterFunc(ctx, p.kill)
	return p, nil
}

// run starts the program and waits for its end. It keeps a thread to itself, which ends with it: Linux sends the orphan's
// signal when the thread ends that has started the program, and Go moves goroutines between threads.
func (p *process) run(started chan<- error) {
	runtime.LockOSThread()
	err := p.cmd.Start()
	started <- err
	if err != nil {
		return
	}
	// As long as the program has not been reaped its process id, which names the group, is nobody else's.
	for errors.Is(unix.Waitid(unix.P_PID, p.pid(), nil, unix.WEXITED|unix.WNOWAIT, nil), unix.EINTR) {
	}
	p.kill()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cmd.Wait() // how it ended is in its log
	p.reaped = true
	close(p.exited)
}

// kill ends all processes of the program.
func (p *process) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.reaped {
		syscall.Kill(-p.pid(), syscall.SIGKILL)
	}
}

// stop kills the program and returns when it has gone.
func (p *process) stop() {
	p.disarm()
	p.kill()
	<-p.exited
}

// pid returns the id of the program's first process.
func (p *process) pid() int { return p.cmd.Process.Pid }

// signal sends a signal to the program itself.
func (p *process) signal(s syscall.Signal) error {
	if err := p.cmd.Process.Signal(s); err != nil {
		return p.failure("send signal", err)
	}
	return nil
}

// await returns when the program has come to what is named, which check finds out without waiting long.
func (p *process) await(ctx context.Context, what string, check func(context.Context) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("not within %v", patience))
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
			return p.failure(what, errors.New("it ended"))
		case <-ctx.Done():
			return p.failure(what, fmt.Errorf("%w: %w", context.Cause(ctx), failed))
		}
	}
}

// failure adds the program's name and last words to an error.
func (p *process) failure(what string, err error) error {
	return fmt.Errorf("%s: %s: %w; its last words in %s: %s", p.name, what, err, p.log, p.lastWords())
}

func (p *process) lastWords() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(bytes.TrimSpace(text[max(0, len(text)-lastWords):]))
}
