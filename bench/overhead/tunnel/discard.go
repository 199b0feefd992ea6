package main

import (
	"io"
	"net"

	"golang.org/x/sys/unix"
)

// discard receives until the peer ends the stream, with the error [io.EOF], or receiving fails. The
// bytes are never copied to this process.
func discard(conn *net.TCPConn) (received int64, err error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, err
	}
	untouched := make([]byte, 1<<20) // its length bounds the bytes of one receive
	for {
		n := 0
		var failure error
		err := raw.Read(func(fd uintptr) bool {
			n, _, failure = unix.Recvfrom(int(fd), untouched, unix.MSG_TRUNC)
			return failure != unix.EAGAIN
		})
		switch {
		case err != nil:
			return received, err
		case failure == unix.EINTR:
			continue
		case failure != nil:
			return received, failure
		case n == 0:
			return received, io.EOF
		}
		received += int64(n)
	}
}
