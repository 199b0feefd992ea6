package sockdiag

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/mdlayher/netlink"
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
// one Drain. SetDeadline and Close may be called at any time.
type Ends struct {
	netlink *netlink.Conn
	raw     syscall.RawConn
	buffer  []byte
	lost    atomic.Bool // since the last Drain
}

// WatchEnds begins to receive the ends of connections at the local ports.
func WatchEnds(ports []uint16) (*Ends, error) {
	c, err := netlink.Dial(unix.NETLINK_SOCK_DIAG, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	e := &Ends{netlink: c, buffer: make([]byte, receiveSize)}
	if e.raw, err = c.SyscallConn(); err == nil {
		err = e.join(ports)
	}
	if err != nil {
		_ = c.Close()
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return e, nil
}

func (e *Ends) join(ports []uint16) error {
	if filter, err := bpf.Assemble(endsFilter(ports)); err != nil {
		return err
	} else if err := e.netlink.SetBPF(filter); err != nil {
		return err
	}
	if err := e.netlink.SetReadBuffer(wantedBuffer); err != nil {
		return err
	}
	for _, group := range []uint32{groupDestroyIPv4, groupDestroyIPv6} {
		if err := e.netlink.JoinGroup(group); err != nil {
			return err
		}
	}
	return nil
}

// SetDeadline sets the time at which Wait returns at the latest.
func (e *Ends) SetDeadline(t time.Time) { _ = e.netlink.SetReadDeadline(t) }

// Wait waits until a connection has ended, or for the deadline. It fails after Close.
func (e *Ends) Wait() error {
	var b [1]byte
	var err error
	waitErr := e.raw.Read(func(fd uintptr) bool {
		_, _, err = unix.Recvfrom(int(fd), b[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
		return err != unix.EAGAIN
	})
	switch {
	case errors.Is(waitErr, os.ErrDeadlineExceeded):
		return nil
	case err == unix.ENOBUFS: // reported once, and to nobody else
		e.lost.Store(true)
		return nil
	case waitErr != nil:
		return waitErr
	}
	return err
}

// Drain calls f for each connection that has ended since the last call. It returns how many there
// were. With the error [ErrLost] others have ended unseen. If the app has reset a connection, or
// has closed a listener on which it waited, nothing but the client's address is left of it: the
// client's port is 0.
func (e *Ends) Drain(f func(*Connection)) (n int, err error) {
	if controlErr := e.raw.Control(func(fd uintptr) { n, err = e.drain(fd, f) }); controlErr != nil {
		return 0, controlErr
	}
	if err == nil && e.lost.Swap(false) {
		err = ErrLost
	}
	return n, err
}

// maxBatch bounds the messages of one Drain.
const maxBatch = 4096

func (e *Ends) drain(fd uintptr, f func(*Connection)) (n int, err error) {
	for n < maxBatch {
		size, err := receiveNow(fd, e.buffer)
		switch err {
		case nil:
		case unix.EAGAIN:
			return n, nil
		case unix.ENOBUFS:
			e.lost.Store(true)
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

// Close makes Wait fail.
func (e *Ends) Close() { _ = e.netlink.Close() }

// localPort is the offset of inet_diag_msg.id.idiag_sport, in network byte order, behind the header.
const localPort = headerSize + 4

// endsFilter returns the program that drops messages of other local ports in the kernel. Without
// it they would fill the buffer.
func endsFilter(ports []uint16) []bpf.Instruction {
	program := []bpf.Instruction{bpf.LoadAbsolute{Off: localPort, Size: 2}}
	for i, port := range ports {
		program = append(program, bpf.JumpIf{
			Cond: bpf.JumpEqual, Val: uint32(port), SkipTrue: uint8(len(ports) - i),
		})
	}
	const whole = 1 << 20
	return append(program, bpf.RetConstant{Val: 0}, bpf.RetConstant{Val: whole})
}
