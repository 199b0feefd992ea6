package proxy

import (
	"net"

	"golang.org/x/sys/unix"

	"lameduck/proxy/socket"
)

// keepAliveIdle is the time in seconds after which the kernel probes a silent client. The app
// cannot notice a client that has vanished, because its own connection is with us.
const keepAliveIdle = 60

func setKeepAlive(fd uintptr) {
	_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1)
	_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, keepAliveIdle)
}

// listenSocket takes over the socket of ln, to accept without package net.
func listenSocket(ln *net.TCPListener) (net.Listener, error) {
	l, err := socket.NewListener(ln)
	if err != nil {
		return nil, err
	}
	return l, nil
}
