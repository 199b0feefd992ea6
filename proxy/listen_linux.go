package proxy

import "golang.org/x/sys/unix"

// keepAliveIdle is after how many seconds of silence the kernel asks a client whether it is still there. The app cannot
// notice one that has vanished: its own connection is to us.
const keepAliveIdle = 60

func setKeepAlive(fd uintptr) {
	_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1)
	_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, keepAliveIdle)
}
