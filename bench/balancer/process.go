package balancer

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"lameduck/bench/internal/proc"
)

// pollPeriod is how often a program is asked for what it does not report by itself.
const pollPeriod = 2 * time.Millisecond

// process is a program of a load balancer.
type process struct {
	*proc.Process
	disarm func() bool
}

// startProcess starts a program in the node's directory, where its output goes to NAME.log. It ends with
// stop, when ctx is done, and by the given signal when this process dies.
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
	p, err := proc.Start(proc.Command{
		Path: path, Args: args, Name: name, Dir: c.Dir,
		Env:    []string{"PATH=" + os.Getenv("PATH"), "HOME=" + c.Dir},
		Output: output, Orphaned: orphaned,
	})
	if err != nil {
		return nil, err
	}
	return &process{p, context.AfterFunc(ctx, p.Kill)}, nil
}

// stop kills the program and returns when it has ended.
func (p *process) stop() {
	p.disarm()
	p.Stop()
}

// signal sends a signal to the program itself.
func (p *process) signal(s syscall.Signal) error {
	if err := p.Signal(s); err != nil {
		return p.Failure("send signal", err)
	}
	return nil
}
