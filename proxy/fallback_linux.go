package proxy

import (
	"io"

	"golang.org/x/sys/unix"
)

// peekByte returns nil if a byte can be read, io.EOF if the peer has closed its side, and otherwise
// the reason why no byte is available yet (EAGAIN).
func peekByte(fd uintptr) error {
	var b [1]byte
	n, _, err := unix.Recvfrom(int(fd), b[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
	if err == nil && n == 0 {
		return io.EOF
	}
	return err
}
