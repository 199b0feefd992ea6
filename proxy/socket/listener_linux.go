package socket

import (
	"net"
	"os"
	"syscall"
)

// A Listener is a [net.Listener] whose connections are of type *Conn.
type Listener struct {
	file    *os.File // registered with the runtime's poller
	raw     syscall.RawConn
	address net.Addr
	// Owned by the goroutine that accepts.
	accepted bool // a connection has been accepted
	delays   bool // a connection does not inherit TCP_NODELAY, as in some emulated kernels
}

// NewListener takes over the socket of ln. It closes ln.
func NewListener(ln *net.TCPListener) (*Listener, error) {
	defer func() { _ = ln.Close() }()
	file, err := ln.File()
	if err != nil {
		return nil, err
	}
	raw, err := file.SyscallConn()
	if err == nil {
		err = raw.Control(func(fd uintptr) { _ = setNoDelay(int(fd)) })
	}
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return &Listener{file: file, raw: raw, address: ln.Addr()}, nil
}

// Accept implements [net.Listener]. One goroutine at a time may call it.
func (l *Listener) Accept() (net.Conn, error) {
	fd, peer, err := l.accept()
	if err != nil {
		return nil, l.wrap("accept", err)
	}
	l.ensureNoDelay(fd)
	c, err := newConn(fd, addrPort(peer))
	if err != nil {
		return nil, l.wrap("accept", err)
	}
	return c, nil
}

func (l *Listener) accept() (fd int, peer syscall.Sockaddr, err error) {
	waitErr := l.raw.Read(func(listener uintptr) (done bool) {
		fd, peer, err = acceptNow(int(listener))
		return err != syscall.EAGAIN
	})
	if waitErr != nil {
		return 0, nil, waitErr
	}
	return fd, peer, os.NewSyscallError("accept4", err)
}

// acceptNow accepts a connection that waits. It skips one that was reset meanwhile.
func acceptNow(listener int) (fd int, peer syscall.Sockaddr, err error) {
	for {
		fd, peer, err = syscall.Accept4(listener, syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC)
		if err != syscall.EINTR && err != syscall.ECONNABORTED {
			return fd, peer, err
		}
	}
}

// ensureNoDelay turns Nagle's algorithm off for a new connection. On Linux connections inherit that
// from the listener, and the first one shows whether they do.
func (l *Listener) ensureNoDelay(fd int) {
	if !l.accepted {
		n, err := syscall.GetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY)
		l.accepted, l.delays = true, err != nil || n == 0
	}
	if l.delays {
		_ = setNoDelay(fd)
	}
}

// setNoDelay turns Nagle's algorithm off, as package net does.
func setNoDelay(fd int) error {
	return syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1)
}

// Close implements [net.Listener].
func (l *Listener) Close() error { return l.wrap("close", l.file.Close()) }

// Addr implements [net.Listener].
func (l *Listener) Addr() net.Addr { return l.address }

// SyscallConn implements [syscall.Conn].
func (l *Listener) SyscallConn() (syscall.RawConn, error) { return l.raw, nil }

func (l *Listener) wrap(op string, err error) error {
	if err == nil {
		return nil
	}
	return &net.OpError{Op: op, Net: "tcp", Addr: l.address, Err: netError(op, err)}
}
