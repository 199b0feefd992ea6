package childproc

import (
	"os"
	"os/signal"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// HasTerminal reports whether this process has a controlling terminal.
func HasTerminal() bool {
	terminal, err := openTerminal()
	if err != nil {
		return false
	}
	_ = unix.Close(terminal)
	return true
}

func openTerminal() (fd int, err error) {
	return unix.Open("/dev/tty", unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
}

// followStop suspends this process with the app, which a signal has stopped, and continues the app when
// this process is continued. To the shell, this process is the job: it would wait for the job to stop,
// and continue only this one. Without a terminal, or after SIGSTOP, the app alone is stopped.
//
//	Ctrl-Z ──> app stops ──SIGCHLD──> Lameduck stops ──> the shell prompts
//	fg     ──> Lameduck continues ──gives it the terminal, SIGCONT──> app continues
func followStop(app int, s syscall.Signal) {
	if s != unix.SIGTSTP && s != unix.SIGTTIN && s != unix.SIGTTOU {
		return
	}
	terminal, err := openTerminal()
	if err != nil {
		return
	}
	defer func() { _ = unix.Close(terminal) }()
	group, err := unix.Getpgid(app)
	if err != nil || !inOurSession(app) {
		return
	}
	if s == unix.SIGTSTP || !isForeground(terminal, unix.Getpgrp()) && !isForeground(terminal, group) {
		suspend()
	}
	if s != unix.SIGTSTP {
		<-time.After(stopPause)
	}
	if isForeground(terminal, unix.Getpgrp()) {
		setForeground(terminal, group)
	}
	_ = unix.Kill(-group, unix.SIGCONT)
}

// reclaimTerminal makes the process group of this process the foreground one again if the child's is,
// whose leader has ended. A script that has started this process may read from the terminal next. The
// group 0 stands for that of a child that could not be started.
func reclaimTerminal(group int) {
	terminal, err := openTerminal()
	if err != nil {
		return
	}
	defer func() { _ = unix.Close(terminal) }()
	if group == 0 || isForeground(terminal, group) {
		setForeground(terminal, unix.Getpgrp())
	}
}

// setForeground makes a process group the foreground one of a terminal. SIGTTOU must be ignored.
func setForeground(terminal, group int) { _ = unix.IoctlSetPointerInt(terminal, unix.TIOCSPGRP, group) }

// stopPause is the time after which an app continues that has used the terminal in the background. If
// no shell controls its job, it is stopped again at once, and the pause keeps both from spinning.
const stopPause = 50 * time.Millisecond

// inOurSession reports whether a process belongs to the session of this process. The number 0 stands for
// a process outside the PID namespace.
func inOurSession(pid int) bool {
	ours, err := unix.Getsid(0)
	if err != nil || pid == 0 {
		return false
	}
	session, err := unix.Getsid(pid)
	return err == nil && session == ours
}

// isForeground reports whether a process group is the foreground one of a terminal.
func isForeground(terminal, group int) bool {
	foreground, err := unix.IoctlGetInt(terminal, unix.TIOCGPGRP)
	return err == nil && foreground == group
}

// suspend stops the process group of this process, to which the other commands of a pipeline and the
// script that has started it belong, as Ctrl-Z stops a whole job. It returns when this process has been
// continued, or at once if no shell would do that.
func suspend() {
	if !inOurSession(os.Getppid()) {
		return
	}
	continued := make(chan os.Signal, 1)
	signal.Notify(continued, unix.SIGCONT)
	defer signal.Stop(continued)
	before, err := setHandler(unix.SIGTSTP, new(sigaction))
	if err != nil {
		return
	}
	defer func() { _, _ = setHandler(unix.SIGTSTP, &before) }()
	_ = unix.Kill(0, unix.SIGTSTP)
	select {
	case <-continued:
	case <-time.After(discardAfter):
	}
}

// discardAfter is when the kernel must have discarded a SIGTSTP because no parent of the process group
// would continue it, for example since the script that has started it was killed.
const discardAfter = time.Second

// A sigaction has room for the kernel's struct sigaction. The zero value is the default action.
type sigaction [8]uintptr

// setHandler sets the handler of a signal and returns the one that it replaces. Package signal cannot
// restore the default action of SIGTSTP: signal.Reset discards the signal.
func setHandler(s syscall.Signal, to *sigaction) (before sigaction, err error) {
	const maskSize = 8
	_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(s),
		uintptr(unsafe.Pointer(to)), uintptr(unsafe.Pointer(&before)), maskSize, 0, 0)
	if errno != 0 {
		return before, errno
	}
	return before, nil
}
