//go:build !linux

package childproc

import "syscall"

func adoptOrphans() {}

func childAttr(syscall.Signal) *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// HasTerminal reports false: there is no job control.
func HasTerminal() bool { return false }

func followStop(int, syscall.Signal) {}

func reclaimTerminal(int) {}

// orphans returns none: they go to PID 1.
func orphans() (pids []int, settled bool) { return nil, true }
