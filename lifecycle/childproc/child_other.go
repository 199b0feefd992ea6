//go:build !linux

package childproc

import "syscall"

func adoptOrphans() {}

func childAttr(syscall.Signal) *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
