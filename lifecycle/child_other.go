//go:build !linux

package lifecycle

import "syscall"

func adoptOrphans() {}

func childAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
