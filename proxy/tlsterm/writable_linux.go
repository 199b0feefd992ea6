package tlsterm

import (
	"golang.org/x/sys/unix"

	"lameduck/proxy/pump"
)

// writable reports whether a small write to a connection does not have to wait. A connection without
// a descriptor counts as writable.
func writable(c pump.Conn) (now bool) {
	raw := pump.RawOf(c)
	if raw == nil {
		return true
	}
	_ = raw.Control(func(fd uintptr) {
		ready, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}, 0)
		now = err == nil && ready > 0
	})
	return now
}
