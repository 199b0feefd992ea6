//go:build !linux

package proxy

import "syscall"

func acceptQueue(syscall.RawConn) (n int, known bool) { return 0, false }
