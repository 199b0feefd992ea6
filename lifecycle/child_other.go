//go:build !linux

package lifecycle

import "syscall"

func adoptOrphans() {}

func childAttr(syscall.Signal) *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
