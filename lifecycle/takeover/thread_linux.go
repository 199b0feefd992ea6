package takeover

import (
	"bytes"
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

// A thread is a thread of the child that waits in a system call, with access to its memory.
type thread struct {
	tid uint32
	mem int
}

func openThread(tid uint32) (thread, error) {
	fd, err := unix.Open(fmt.Sprintf("/proc/%d/mem", tid), unix.O_RDWR|unix.O_CLOEXEC, 0)
	return thread{tid, fd}, err
}

func (t thread) close() { _ = unix.Close(t.mem) }

// read reads the memory at an address, all of b.
func (t thread) read(b []byte, address uint64) error {
	n, err := unix.Pread(t.mem, b, offset(address))
	if err == nil && n < len(b) {
		err = unix.EFAULT
	}
	return err
}

// write writes all of b.
func (t thread) write(b []byte, address uint64) error {
	n, err := unix.Pwrite(t.mem, b, offset(address))
	if err == nil && n < len(b) {
		err = unix.EFAULT
	}
	return err
}

// offset returns the place of an address in /proc/PID/mem. The highest byte is a tag on arm64, which
// the processor ignores.
func offset(address uint64) int64 {
	if runtime.GOARCH == "arm64" {
		address &^= 0xff << 56
	}
	return int64(address)
}

// isTCP reports whether a descriptor of the thread is a TCP socket, Multipath TCP included.
func (t thread) isTCP(fd int) (bool, error) {
	var protocol [16]byte
	n, err := unix.Getxattr(fmt.Sprintf("/proc/%d/fd/%d", t.tid, fd), "system.sockprotoname", protocol[:])
	switch err {
	case nil:
	case unix.ENODATA, unix.EOPNOTSUPP, unix.ENOENT, unix.ERANGE:
		return false, nil // no socket, or one of a longer name
	default:
		return false, err
	}
	switch string(bytes.TrimRight(protocol[:n], "\x00")) {
	case "TCP", "TCPv6", "MPTCP", "MPTCPv6":
		return true, nil
	}
	return false, nil
}

// socketName returns the name of a descriptor's socket, such as "socket:[1234]", or nothing.
func (t thread) socketName(fd int) string {
	var name [64]byte
	n, err := unix.Readlink(fmt.Sprintf("/proc/%d/fd/%d", t.tid, fd), name[:])
	if err != nil {
		return ""
	}
	return string(name[:n])
}

// networkNamespace returns the name of a process's network namespace. "self" is this process.
func networkNamespace(process string) (string, error) {
	var name [64]byte
	n, err := unix.Readlink("/proc/"+process+"/ns/net", name[:])
	if err != nil {
		return "", err
	}
	return string(name[:n]), nil
}
