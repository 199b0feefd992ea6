package socket

import (
	"context"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"

	"lameduck/lifecycle/sockdiag"
)

// attempts is how often Dial tries to connect if no local address is free, or if it has connected
// to itself.
const attempts = 3

// Dial connects to an address, which must not be unspecified or have a zone. It waits for at most
// the timeout. A connection to a local listener is established when connect(2) returns, so that
// usually there is no wait.
func Dial(ctx context.Context, to netip.AddrPort, timeout time.Duration) (c *Conn, err error) {
	if err := ctx.Err(); err != nil {
		return nil, dialError(to, err)
	}
	for range attempts {
		c, err = dial(ctx, to, timeout)
		switch {
		case err == syscall.EADDRNOTAVAIL: // can be wrong for a moment
		case err == nil && isEphemeral(to.Port()) && c.isItsOwnPeer():
			_ = c.Close()
			err = syscall.EADDRNOTAVAIL
		case err != nil:
			return nil, dialError(to, err)
		default:
			return c, nil
		}
	}
	return nil, dialError(to, err)
}

func dialError(to netip.AddrPort, err error) error {
	if _, ok := err.(syscall.Errno); ok {
		err = os.NewSyscallError("connect", err)
	}
	return &net.OpError{Op: "dial", Net: "tcp", Addr: net.TCPAddrFromAddrPort(to), Err: err}
}

// dial connects once.
func dial(ctx context.Context, to netip.AddrPort, timeout time.Duration) (*Conn, error) {
	family, address := sockaddr(to)
	fd, err := syscall.Socket(family, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	_ = setNoDelay(fd)
	err = syscall.Connect(fd, address)
	if isPending(err) {
		err = syscall.Connect(fd, address)
	}
	if err != nil && !isPending(err) {
		_ = syscall.Close(fd)
		return nil, err
	}
	c, failure := newConn(fd, to)
	if failure != nil {
		return nil, failure
	}
	if err != nil {
		err = c.awaitConnect(ctx, address, timeout)
	}
	if err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, nil
}

// isPending reports whether an error of connect(2) means that the connection is being established.
func isPending(err error) bool {
	return err == syscall.EINPROGRESS || err == syscall.EALREADY || err == syscall.EINTR
}

// awaitConnect waits until the connection is established.
func (c *Conn) awaitConnect(ctx context.Context, to syscall.Sockaddr, timeout time.Duration) (err error) {
	_ = c.SetWriteDeadline(time.Now().Add(timeout))
	stop := context.AfterFunc(ctx, func() { _ = c.SetWriteDeadline(time.Unix(1, 0)) })
	waitErr := c.raw.Write(func(fd uintptr) bool {
		err = syscall.Connect(int(fd), to)
		return !isPending(err)
	})
	if !stop() {
		return ctx.Err()
	}
	_ = c.SetWriteDeadline(time.Time{})
	if waitErr != nil {
		return os.ErrDeadlineExceeded
	}
	return err
}

func sockaddr(a netip.AddrPort) (family int, address syscall.Sockaddr) {
	if ip := a.Addr().Unmap(); ip.Is4() {
		return syscall.AF_INET, &syscall.SockaddrInet4{Port: int(a.Port()), Addr: ip.As4()}
	}
	return syscall.AF_INET6, &syscall.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}
}

// isItsOwnPeer reports whether the socket is connected to itself. That happens if nothing listens
// at a port and the kernel chooses that very port for the new socket (RFC 9293 section 3.5, figure
// 8: simultaneous connection synchronization).
func (c *Conn) isItsOwnPeer() (yes bool) {
	_ = c.raw.Control(func(fd uintptr) {
		local, err := syscall.Getsockname(int(fd))
		yes = err == nil && addrPort(local) == netip.AddrPortFrom(c.remote.Addr().Unmap(), c.remote.Port())
	})
	return yes
}

// ephemeralPorts is the range as of the first call of Dial.
var ephemeralPorts = sync.OnceValues(sockdiag.EphemeralPorts)

// isEphemeral reports whether the kernel may choose a port for a new socket.
func isEphemeral(port uint16) bool {
	first, last := ephemeralPorts()
	return first <= port && port <= last
}
