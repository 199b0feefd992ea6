package adminserver

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"

	"lameduck/lifecycle/accept"
	"lameduck/lifecycle/peerset"
)

// receiveBuffer limits what the kernel buffers for a connection that is not being read.
const receiveBuffer = 16 << 10

// limitReceiveBuffer sets the receive buffer of the listener's connections.
func limitReceiveBuffer(ln net.Listener) {
	c, ok := ln.(syscall.Conn)
	if !ok {
		return
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, receiveBuffer)
	})
}

// A listener accepts the connections of a Server, within its limit.
type listener struct {
	net.Listener
	server *Server
}

// Accept waits for the next connection. It fails only if the listener has ended.
func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err == nil {
			return l.server.admit(c), nil
		}
		if !accept.IsTransient(err) {
			return nil, err
		}
		l.server.config.Failures.Add(err)
		l.server.makeRoom(err)
	}
}

// A conn is a connection of a server.
type conn struct {
	net.Conn
	server *Server
	member *peerset.Member[*conn]
}

// Close closes the connection. Its descriptor goes to the reserve if one is missing there.
func (c *conn) Close() error {
	c.server.remove(c)
	err := c.Conn.Close()
	c.server.reserve.fill()
	return err
}

// SyscallConn gives access to the descriptor of a hijacked connection.
func (c *conn) SyscallConn() (syscall.RawConn, error) {
	if sc, ok := c.Conn.(syscall.Conn); ok {
		return sc.SyscallConn()
	}
	return nil, syscall.EINVAL
}
