package socket

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A Conn is a TCP connection. It has the methods of a [net.TCPConn] that a relay needs, with the
// same errors.
type Conn struct {
	file   *os.File // registered with the runtime's poller
	raw    syscall.RawConn
	remote netip.AddrPort
}

// newConn takes over a descriptor that does not block.
func newConn(fd int, remote netip.AddrPort) (*Conn, error) {
	file := os.NewFile(uintptr(fd), "tcp")
	raw, err := file.SyscallConn()
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return &Conn{file: file, raw: raw, remote: remote}, nil
}

// Read implements [net.Conn].
func (c *Conn) Read(b []byte) (int, error) {
	n, err := c.file.Read(b)
	return n, c.wrap("read", err)
}

// Write implements [net.Conn].
func (c *Conn) Write(b []byte) (int, error) {
	n, err := c.file.Write(b)
	return n, c.wrap("write", err)
}

// Close implements [net.Conn].
func (c *Conn) Close() error { return c.wrap("close", c.file.Close()) }

// CloseWrite is that of [net.TCPConn].
func (c *Conn) CloseWrite() error {
	return c.control("shutdown", func(fd int) error { return unix.Shutdown(fd, unix.SHUT_WR) })
}

// SetLinger is that of [net.TCPConn].
func (c *Conn) SetLinger(seconds int) error {
	linger := new(unix.Linger)
	if seconds >= 0 {
		linger.Onoff, linger.Linger = 1, int32(seconds)
	}
	return c.control("setsockopt", func(fd int) error {
		return unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, linger)
	})
}

// control makes a system call with the descriptor.
func (c *Conn) control(name string, call func(fd int) error) error {
	var err error
	if controlErr := c.raw.Control(func(fd uintptr) { err = call(int(fd)) }); controlErr != nil {
		return c.wrap(name, controlErr)
	}
	return c.wrap(name, os.NewSyscallError(name, err))
}

// SetDeadline implements [net.Conn].
func (c *Conn) SetDeadline(t time.Time) error { return c.wrap("set", c.file.SetDeadline(t)) }

// SetReadDeadline implements [net.Conn].
func (c *Conn) SetReadDeadline(t time.Time) error { return c.wrap("set", c.file.SetReadDeadline(t)) }

// SetWriteDeadline implements [net.Conn].
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.wrap("set", c.file.SetWriteDeadline(t)) }

// RemoteAddr implements [net.Conn]. It returns a *net.TCPAddr.
func (c *Conn) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(c.remote) }

// RemoteAddrPort returns the address of the peer, and allocates nothing. An IPv4 peer of a socket
// for both families has an IPv4 address.
func (c *Conn) RemoteAddrPort() netip.AddrPort { return c.remote }

// LocalAddr implements [net.Conn]. It returns a *net.TCPAddr, without an address if the connection
// is closed.
func (c *Conn) LocalAddr() net.Addr {
	var local netip.AddrPort
	_ = c.raw.Control(func(fd uintptr) {
		if address, err := syscall.Getsockname(int(fd)); err == nil {
			local = addrPort(address)
		}
	})
	return net.TCPAddrFromAddrPort(local)
}

// SyscallConn implements [syscall.Conn].
func (c *Conn) SyscallConn() (syscall.RawConn, error) { return rawConn{c}, nil }

// wrap converts an error of package os to the corresponding one of package net. A timeout is
// os.ErrDeadlineExceeded itself, because a connection that becomes idle has two of them.
func (c *Conn) wrap(op string, err error) error {
	switch {
	case err == nil || err == io.EOF:
		return err
	case errors.Is(err, os.ErrDeadlineExceeded):
		return os.ErrDeadlineExceeded
	}
	return &net.OpError{Op: op, Net: "tcp", Addr: c.RemoteAddr(), Err: netError(op, err)}
}

// A rawConn is a [syscall.RawConn] with the errors of package net.
type rawConn struct{ conn *Conn }

func (r rawConn) Control(f func(fd uintptr)) error {
	return r.conn.wrap("raw-control", r.conn.raw.Control(f))
}

func (r rawConn) Read(f func(fd uintptr) (done bool)) error {
	return r.conn.wrap("raw-read", r.conn.raw.Read(f))
}

func (r rawConn) Write(f func(fd uintptr) (done bool)) error {
	return r.conn.wrap("raw-write", r.conn.raw.Write(f))
}

// netError returns the error that a [net.OpError] wraps, for an error of package os. An error that
// is not from a system call is the runtime's unexported error for a closed descriptor.
func netError(op string, err error) error {
	var inPath *os.PathError
	var number syscall.Errno
	switch {
	case !errors.As(err, &number):
		return net.ErrClosed
	case errors.As(err, &inPath):
		return os.NewSyscallError(op, number)
	}
	return err
}

// addrPort returns the zero AddrPort for an address of another family than IP.
func addrPort(address syscall.Sockaddr) netip.AddrPort {
	switch a := address.(type) {
	case *syscall.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port))
	case *syscall.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(a.Addr).Unmap(), uint16(a.Port))
	}
	return netip.AddrPort{}
}
