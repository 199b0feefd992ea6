package proxy

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// acceptQueue returns how many connections wait to be accepted by a listener. It needs no
// descriptor and no privilege. A listener is readable if any wait (tcp(7)); for one, TCP_INFO has
// their number where segments in flight are counted otherwise. Kernels that do not know the number
// report 0.
func acceptQueue(listener syscall.RawConn) (n int, known bool) {
	if listener == nil {
		return 0, false
	}
	err := listener.Control(func(fd uintptr) {
		poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		ready, err := unix.Poll(poll, 0)
		if known = err == nil; ready < 1 || poll[0].Revents&unix.POLLIN == 0 {
			return
		}
		n = 1
		if info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
			n = max(n, int(info.Unacked))
		}
	})
	return n, known && err == nil
}
