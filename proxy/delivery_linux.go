package proxy

import "golang.org/x/sys/unix"

// unacknowledged returns the number of bytes that the peer of a TCP connection has not acknowledged
// (tcp(7), SIOCOUTQ), or 0 if that is unknown.
func unacknowledged(fd uintptr) int {
	n, err := unix.IoctlGetInt(int(fd), unix.SIOCOUTQ)
	if err != nil {
		return 0
	}
	return n
}

// unreadBytes returns the number of received bytes of a TCP connection that have not been read
// (tcp(7), SIOCINQ), or 0 if that is unknown.
func unreadBytes(fd uintptr) int {
	n, err := unix.IoctlGetInt(int(fd), unix.SIOCINQ)
	if err != nil {
		return 0
	}
	return n
}
