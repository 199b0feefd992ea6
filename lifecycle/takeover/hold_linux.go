package takeover

import (
	"io"
	"net"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// A heldPort is a socket that is bound but does not listen.
type heldPort struct {
	fd   int
	addr net.Addr
	once sync.Once
}

// Hold binds a TCP address without listening. Connections to it are refused, and another program
// that binds it fails instead of bypassing Lameduck.
func Hold(address string) (net.Listener, error) {
	to, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return nil, err
	}
	h, err := bindHeld(to, false)
	if err == unix.EADDRINUSE {
		// Perhaps only connections of an earlier app are left. With this option they are ignored,
		// and so they are in a later bind with the same option.
		h, err = bindHeld(to, true)
	}
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: "tcp", Addr: to, Err: os.NewSyscallError("bind", err)}
	}
	return h, nil
}

// bindAll binds a port at all addresses. It fails if connections of an earlier listener are left.
func bindAll(port uint16) (io.Closer, error) { return bindHeld(&net.TCPAddr{Port: int(port)}, false) }

// bindHeld binds a socket of both families if the address is unspecified and there is IPv6.
func bindHeld(to *net.TCPAddr, reuse bool) (*heldPort, error) {
	at := to.AddrPort()
	ip := at.Addr().Unmap()
	family, address := unix.AF_INET6, unix.Sockaddr(&unix.SockaddrInet6{Port: to.Port, Addr: ip.As16()})
	if ip.Is4() {
		family, address = unix.AF_INET, &unix.SockaddrInet4{Port: to.Port, Addr: ip.As4()}
	}
	if to.IP == nil || ip.IsUnspecified() {
		family, address = unix.AF_INET6, &unix.SockaddrInet6{Port: to.Port}
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err == unix.EAFNOSUPPORT && (to.IP == nil || ip.IsUnspecified()) {
		address = &unix.SockaddrInet4{Port: to.Port}
		fd, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	}
	if err != nil {
		return nil, err
	}
	h := &heldPort{fd: fd}
	if family == unix.AF_INET6 {
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 0)
	}
	if reuse {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
	}
	if err := unix.Bind(fd, address); err != nil {
		_ = h.Close()
		return nil, err
	}
	h.addr = &net.TCPAddr{IP: to.IP, Port: boundPort(fd), Zone: to.Zone}
	return h, nil
}

// boundPort returns the port of a bound socket.
func boundPort(fd int) int {
	a, _ := unix.Getsockname(fd)
	switch a := a.(type) {
	case *unix.SockaddrInet4:
		return a.Port
	case *unix.SockaddrInet6:
		return a.Port
	}
	return 0
}

func (h *heldPort) Accept() (net.Conn, error) { return nil, net.ErrClosed }
func (h *heldPort) Addr() net.Addr            { return h.addr }

func (h *heldPort) Close() (err error) {
	h.once.Do(func() { err = unix.Close(h.fd) })
	return err
}
