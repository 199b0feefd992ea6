package pump

import (
	"syscall"
	"unsafe"
)

// rawRead and RawWrite are read(2) and write(2) for descriptors that never block. They bypass the
// scheduler, because a thread that never waits in the kernel needs no replacement. In a mostly idle
// process, each of the usual calls would wake the runtime's monitor thread, which costs more than
// the call itself.

func rawRead(fd int, b []byte) (int, error) { return rawIO(syscall.SYS_READ, fd, b) }

// RawWrite writes to a descriptor that never blocks.
func RawWrite(fd int, b []byte) (int, error) { return rawIO(syscall.SYS_WRITE, fd, b) }

func rawIO(call uintptr, fd int, b []byte) (int, error) {
	for {
		start := unsafe.Pointer(unsafe.SliceData(b))
		n, _, errno := syscall.RawSyscall(call, uintptr(fd), uintptr(start), uintptr(len(b)))
		switch errno {
		case 0:
			return int(n), nil
		case syscall.EINTR:
			continue
		}
		return 0, errno
	}
}
