package rollout

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// process is what the kubelet needs of a container's process.
type process interface {
	// signal sends a signal. To a process that has ended it sends nothing.
	signal(syscall.Signal)
	// exited returns a channel that is closed when the process has ended and been reaped.
	exited() <-chan struct{}
	// state tells how the process ended, such as "exit status 1". It is called only after that.
	state() string
}

// child is a process that this program has started.
type child struct {
	cmd *exec.Cmd
	// exitc is closed when the process has been reaped.
	exitc chan struct{}
}

// launch starts the container's process, with its output going to the file.
func (l *launcher) launch(c Container, output *os.File) (*child, error) {
	cmd := exec.Command(c.Path, c.Args...)
	cmd.Env = c.Env
	if cmd.Env == nil {
		cmd.Env = []string{} // nil would inherit ours
	}
	cmd.Stdout, cmd.Stderr = output, output
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Setpgid:   true,            // a Ctrl-C at the terminal is for us, not for the containers
		Pdeathsig: syscall.SIGKILL, // nothing is left behind if we are killed ourselves
	}
	if err := l.do(cmd.Start); err != nil {
		return nil, fmt.Errorf("start container %s: %w", c.Name, err)
	}
	p := &child{cmd: cmd, exitc: make(chan struct{})}
	go p.reap()
	return p, nil
}

func (p *child) reap() {
	defer close(p.exitc)
	p.cmd.Wait() // its error is the process state, which state tells
}

// signal goes by the process handle, so that it can never reach another process that was given the same id.
func (p *child) signal(s syscall.Signal) { p.cmd.Process.Signal(s) }

func (p *child) exited() <-chan struct{} { return p.exitc }

func (p *child) state() string { return p.cmd.ProcessState.String() }
