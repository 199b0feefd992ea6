package rollout

import (
	"os"
	"syscall"

	"lameduck/bench/internal/proc"
)

// A process is the process of a container.
type process interface {
	// signal sends a signal. It does nothing if the process has ended.
	signal(syscall.Signal)
	// exited returns a channel that is closed when the process has ended and been reaped.
	exited() <-chan struct{}
	// state describes how the process ended, such as "exit status 1". It is called only after that.
	state() string
}

// A child is a process that this program has started.
type child struct{ *proc.Process }

// launch starts the container's process and writes its output to the file.
func launch(c Container, output *os.File) (child, error) {
	p, err := proc.Start(proc.Command{
		Path: c.Path, Args: c.Args, Name: "container " + c.Name, Env: c.Env, Output: output,
	})
	if err != nil {
		return child{}, err
	}
	return child{p}, nil
}

func (p child) signal(s syscall.Signal) { _ = p.Signal(s) } // fails only if it has ended

func (p child) exited() <-chan struct{} { return p.Exited() }

func (p child) state() string { return p.State() }
