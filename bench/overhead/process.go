package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A process is a server that this program started, with its children. It leads
// a process group of its own, so that its workers are counted and stopped
// with it, and a Ctrl-C reaches it only through us.
type process struct {
	name   string
	pid    int
	output *tail
	donec  chan struct{} // closed when the process has been waited for
}

// startProcess runs the command on the cores in set, with nothing of our
// environment but PATH.
func startProcess(name string, command, env []string, set unix.CPUSet) (*process, error) {
	p := &process{name: name, output: &tail{}, donec: make(chan struct{})}
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH")}, env...)
	cmd.Stdout, cmd.Stderr = p.output, p.output
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := startOn(set, cmd); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	p.pid = cmd.Process.Pid
	go p.reap(cmd)
	return p, nil
}

func (p *process) reap(cmd *exec.Cmd) {
	_ = cmd.Wait() // how it ended shows in output; stop ends it by a signal anyway
	close(p.donec)
}

// stop ends the process and its children at once: nothing in them is worth
// keeping, and a proxy that drains first would make the run longer.
func (p *process) stop() {
	_ = syscall.Kill(-p.pid, syscall.SIGKILL) // fails only if all have gone
	<-p.donec
}

// awaitReady returns once ask has no error. It gives up after ten seconds,
// which every peer undercuts by far, or when the process ends.
func (p *process) awaitReady(ctx context.Context, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for {
		err := ask(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.donec:
			return fmt.Errorf("start %s: it ended: %s", p.name, p.output)
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w, last answer: %w: %s", p.name, context.Cause(ctx), err, p.output)
		case <-time.After(20 * time.Millisecond): // nothing tells when a server listens
		}
	}
}

// A tail keeps the last 2 KiB that were written to it, enough for the reason
// why a server ended.
type tail struct {
	mu   sync.Mutex
	text []byte // guarded by mu
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	t.text = t.text[max(0, len(t.text)-2048):]
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.text))
}
