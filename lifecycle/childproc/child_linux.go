package childproc

import (
	"fmt"
	"os"
	"strconv"
	"strings"
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

// orphans returns the running children of this process. settled is false if a child has exited and
// is not reaped yet, because its own child may be missing from the list.
func orphans() (pids []int, settled bool) {
	settled = true
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		stat, err := os.ReadFile("/proc/" + e.Name() + "/stat")
		if err != nil {
			continue
		}
		// The program's name is in parentheses, and may contain some.
		fields := string(stat[strings.LastIndexByte(string(stat), ')')+1:])
		var state string
		var parent int
		_, err = fmt.Sscan(fields, &state, &parent)
		switch {
		case err != nil || parent != os.Getpid():
		case state == "Z":
			settled = false
		default:
			pids = append(pids, pid)
		}
	}
	return pids, settled
}
