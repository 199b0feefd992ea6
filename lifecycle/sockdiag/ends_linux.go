package sockdiag

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// The multicast groups of ended TCP sockets (linux/include/uapi/linux/sock_diag.h). An IPv4 client
// of a listener for both families belongs to the second.
const (
	groupDestroyIPv4 = 1 // SKNLGRP_INET_TCP_DESTROY
	groupDestroyIPv6 = 3 // SKNLGRP_INET6_TCP_DESTROY
)

// wantedBuffer is the receive buffer that is asked for. The kernel grants what net.core.rmem_max
// allows. A message takes 1.3 KiB of it.
const wantedBuffer = 4 << 20

// Ends receives the ends of connections as they happen. One goroutine at a time may call Wait, and
// one Drain, Pause or Resume. SetDeadline and Close may be called at any time.
//
// The runtime's poller does not watch the socket: it would wake the process for each end. It
// watches an epoll set instead, which is ready once after each call of Wait.
type Ends struct {
	socket, epoll *os.File
	raw, ready    syscall.RawConn // of them
	buffer        []byte
	lost          bool // since the last Drain
}

// WatchEnds begins to receive the ends of connections at the local ports, and of those at the local
// ports in remote that do not come from 127.0.0.1 or ::1.
func WatchEnds(ports, remote []uint16) (*Ends, error) {
	e := &Ends{buffer: make([]byte, receiveSize)}
	if err := e.open(endsFilter(ports, remote)); err != nil {
		e.Close()
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return e, nil
}

func (e *Ends) open(filter []bpf.Instruction) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	e.socket = os.NewFile(uintptr(fd), "netlink") // it may block, so that it is not watched
	if e.raw, err = e.socket.SyscallConn(); err != nil {
		return err
	}
	if err := join(fd, filter); err != nil {
		return err
	}
	set, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err == nil {
		err = unix.SetNonblock(set, true) // for the runtime to wait for it
	}
	if err != nil {
		return os.NewSyscallError("epoll_create1", err)
	}
	e.epoll = os.NewFile(uintptr(set), "epoll")
	if e.ready, err = e.epoll.SyscallConn(); err != nil {
		return err
	}
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(set, unix.EPOLL_CTL_ADD, fd, new(unix.EpollEvent)))
}

// join makes a netlink socket receive the ends that pass the filter.
func join(fd int, filter []bpf.Instruction) error {
	program, err := bpf.Assemble(filter)
	if err != nil {
		return err
	}
	if err := attachFilter(fd, program); err != nil {
		return os.NewSyscallError("setsockopt", err)
	}
	if err := setReceiveBuffer(fd, wantedBuffer); err != nil {
		return os.NewSyscallError("setsockopt", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return os.NewSyscallError("bind", err)
	}
	return setMembership(fd, unix.NETLINK_ADD_MEMBERSHIP)
}

// setMembership makes a socket join or leave the groups.
func setMembership(fd, option int) error {
	for _, group := range []int{groupDestroyIPv4, groupDestroyIPv6} {
		if err := unix.SetsockoptInt(fd, unix.SOL_NETLINK, option, group); err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
	}
	return nil
}

func attachFilter(fd int, program []bpf.RawInstruction) error {
	filter := make([]unix.SockFilter, len(program))
	for i, in := range program {
		filter[i] = unix.SockFilter{Code: in.Op, Jt: in.Jt, Jf: in.Jf, K: in.K}
	}
	return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER,
		&unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]})
}

// setReceiveBuffer asks for more than net.core.rmem_max if that is allowed.
func setReceiveBuffer(fd, size int) error {
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, size) == nil {
		return nil
	}
	return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, size)
}

// Pause stops the reports of ends, except of those that have been received. While nobody receives
// them, the kernel does not prepare any (sock_diag_has_destroy_listeners), which takes about 10 µs
// for each connection that ends on the node.
func (e *Ends) Pause() error { return e.setMembership(unix.NETLINK_DROP_MEMBERSHIP) }

// Resume ends a pause.
func (e *Ends) Resume() error { return e.setMembership(unix.NETLINK_ADD_MEMBERSHIP) }

func (e *Ends) setMembership(option int) (err error) {
	closedErr := e.raw.Control(func(fd uintptr) { err = setMembership(int(fd), option) })
	return cmp.Or(closedErr, err)
}

// SetDeadline sets the time at which Wait returns at the latest.
func (e *Ends) SetDeadline(t time.Time) { _ = e.epoll.SetReadDeadline(t) }

// Wait waits until a connection has ended, ends have been lost, or the deadline has passed. It
// fails after Close.
func (e *Ends) Wait() error {
	if err := e.arm(unix.EPOLLIN); err != nil {
		return err
	}
	events := make([]unix.EpollEvent, 1)
	var err error
	waitErr := e.ready.Read(func(set uintptr) bool {
		var n int
		n, err = unix.EpollWait(int(set), events, 0)
		return n != 0 && err != unix.EINTR
	})
	switch {
	case errors.Is(waitErr, os.ErrDeadlineExceeded):
		return e.arm(0) // otherwise each end wakes the process until the next call
	case waitErr != nil:
		return waitErr
	}
	return os.NewSyscallError("epoll_wait", err)
}

// arm makes the epoll set report the next of these events of the socket, once.
func (e *Ends) arm(events uint32) (err error) {
	once := unix.EpollEvent{Events: events | unix.EPOLLONESHOT}
	closedErr := e.ready.Control(func(set uintptr) {
		closedErr := e.raw.Control(func(fd uintptr) {
			err = unix.EpollCtl(int(set), unix.EPOLL_CTL_MOD, int(fd), &once)
		})
		err = cmp.Or(closedErr, err)
	})
	return cmp.Or(closedErr, err)
}

// Drain calls f for each connection that has ended since the last call. It returns how many there
// were. With the error [ErrLost] others have ended unseen. If the app has reset a connection, or
// has closed a listener on which it waited, nothing but the client's address is left of it: the
// client's port is 0.
func (e *Ends) Drain(f func(*Connection)) (n int, err error) {
	if controlErr := e.raw.Control(func(fd uintptr) { n, err = e.drain(fd, f) }); controlErr != nil {
		return 0, controlErr
	}
	if err == nil && e.lost {
		err, e.lost = ErrLost, false
	}
	return n, err
}

// maxBatch bounds the messages of one Drain.
const maxBatch = 4096

func (e *Ends) drain(fd uintptr, f func(*Connection)) (n int, err error) {
	for n < maxBatch {
		size, err := receiveEnd(fd, e.buffer)
		switch err {
		case 0:
		case unix.EAGAIN:
			return n, nil
		case unix.ENOBUFS:
			e.lost = true
			continue
		default:
			return n, err
		}
		if err := parseEnds(e.buffer[:size], f); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// receiveEnd receives one message that has arrived. It bypasses the scheduler, which need not be prepared
// for a call that cannot block: no dump is made on this socket. In a mostly idle process, each of the
// usual calls would wake the runtime's monitor thread.
func receiveEnd(fd uintptr, b []byte) (int, syscall.Errno) {
	for {
		start := unsafe.Pointer(unsafe.SliceData(b))
		n, _, errno := syscall.RawSyscall6(
			unix.SYS_RECVFROM, fd, uintptr(start), uintptr(len(b)), unix.MSG_DONTWAIT, 0, 0)
		if errno != unix.EINTR {
			return int(n), errno
		}
	}
}

// Close makes Wait fail.
func (e *Ends) Close() {
	if e.epoll != nil {
		_ = e.epoll.Close()
	}
	if e.socket != nil {
		_ = e.socket.Close()
	}
}
