package proxy

import "golang.org/x/sys/unix"

// unacknowledged returns how many bytes the other side of a TCP connection has not acknowledged (tcp(7), SIOCOUTQ). 0: none, or it cannot
// be told.
func unacknowledged(fd uintptr) int {
	n, err := unix.IoctlGetInt(int(fd), unix.SIOCOUTQ)
	if err != nil {
		return 0
	}
	return n
}
