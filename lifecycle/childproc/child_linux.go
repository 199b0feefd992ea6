package childproc

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// adoptOrphans makes this process the parent of the processes that the child leaves behind, also where
// it is not PID 1. If the kernel refuses, they go to PID 1.
func adoptOrphans() { _ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) }

// childAttr puts the child into a process group of its own. On a terminal the group is the foreground
// one, so that the child reads the keyboard and gets its signals. If this process is killed, the child
// gets its stop signal, so that it does not outlive us and block the next one.
func childAttr(stop syscall.Signal) *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Setpgid: true, Pdeathsig: stop}
	if foreground, err := unix.IoctlGetInt(0, unix.TIOCGPGRP); err == nil && foreground == unix.Getpgrp() {
		a.Foreground, a.Ctty = true, 0
	}
	return a
}
