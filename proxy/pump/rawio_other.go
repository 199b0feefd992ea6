//go:build !linux

package pump

import "syscall"

func rawRead(fd int, b []byte) (int, error) { return retryEINTR(syscall.Read, fd, b) }

// RawWrite writes to a descriptor.
func RawWrite(fd int, b []byte) (int, error) { return retryEINTR(syscall.Write, fd, b) }

func retryEINTR(call func(int, []byte) (int, error), fd int, b []byte) (int, error) {
	for {
		n, err := call(fd, b)
		if err != syscall.EINTR {
			return max(n, 0), err
		}
	}
}
