package takeover

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// A notification is the kernel's struct seccomp_notif: a thread waits in a system call.
type notification struct {
	id    uint64
	tid   uint32 // in our PID namespace, or 0 if it is not in there
	flags uint32

	number int32 // of the system call
	arch   uint32
	ip     uint64
	args   [6]uint64
}

// A response is the kernel's struct seccomp_notif_resp.
type response struct {
	id    uint64
	value int64
	errno int32
	flags uint32
}

func receiveNotification(fd uintptr) (n notification, err error) {
	return n, ioctl(fd, unix.SECCOMP_IOCTL_NOTIF_RECV, unsafe.Pointer(&n))
}

// letContinue lets the thread make its system call.
func letContinue(fd uintptr, id uint64) error {
	r := response{id: id, flags: unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE}
	return ioctl(fd, unix.SECCOMP_IOCTL_NOTIF_SEND, unsafe.Pointer(&r))
}

// letReturn makes the system call return without being made: an error, or 0.
func letReturn(fd uintptr, id uint64, errno unix.Errno) error {
	r := response{id: id, errno: -int32(errno)}
	return ioctl(fd, unix.SECCOMP_IOCTL_NOTIF_SEND, unsafe.Pointer(&r))
}

// isWaiting reports whether the thread of a notification still waits. Until the notification is
// answered, its ID belongs to no other thread.
func isWaiting(fd uintptr, id uint64) bool {
	return ioctl(fd, unix.SECCOMP_IOCTL_NOTIF_ID_VALID, unsafe.Pointer(&id)) == nil
}

func ioctl(fd uintptr, request uint, arg unsafe.Pointer) error {
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, fd, uintptr(request), uintptr(arg)); errno != 0 {
		return errno
	}
	return nil
}
