package balancer

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"lameduck/bench/internal/proc"
	"lameduck/bench/internal/program"
)

// A process is a running load balancer program.
type process struct {
	*proc.Process
	disarm func() bool
}

// startProcess starts a program in the node's directory and writes its output to NAME.log there. It
// runs until stop is called or ctx is done. If this process dies, the program gets the orphaned
// signal.
func startProcess(
	ctx context.Context, c nodeConfig, orphaned syscall.Signal, name string, args ...string,
) (*process, error) {
	path, err := program.Find(name)
	if err != nil {
		return nil, err
	}
	output, err := os.Create(filepath.Join(c.Dir, name+".log"))
	if err != nil {
		return nil, fmt.Errorf("create the log of %s: %w", name, err)
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

// start writes the configuration to a file and starts the program.
func (s settings) start(
	ctx context.Context, file string, orphaned syscall.Signal, name string, args ...string,
) (*process, error) {
	if err := s.write(file); err != nil {
		return nil, err
	}
	return startProcess(ctx, s.nodeConfig, orphaned, name, args...)
}

// stop kills the program and waits for its end.
func (p *process) stop() {
	p.disarm()
	p.Stop()
}

// signal sends a signal to the program, not to its children.
func (p *process) signal(s syscall.Signal) error {
	if err := p.Signal(s); err != nil {
		return p.Failure("send signal", err)
	}
	return nil
}
