package lifecycle

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// adoptOrphans makes us the parent of the processes that our child leaves behind also where we are not PID 1. A kernel
// that refuses leaves them to PID 1.
func adoptOrphans() { _ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) }

// childAttr puts the child into a process group of its own, and in front on a terminal, where it reads the keyboard and gets
// its signals as it would without us. Should we be killed, the child gets its stop signal, so that it is not in the
// way of the next one.
func childAttr(stop syscall.Signal) *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Setpgid: true, Pdeathsig: stop}
	if foreground, err := unix.IoctlGetInt(0, unix.TIOCGPGRP); err == nil && foreground == unix.Getpgrp() {
		a.Foreground, a.Ctty = true, 0
	}
	return a
}
