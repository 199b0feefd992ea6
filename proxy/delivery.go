package proxy

import (
	"time"

	"lameduck/proxy/pump"
	"lameduck/proxy/tlsterm"
)

// Written does not mean delivered: the kernel may hold megabytes of a response for a slow client.
// It drops them when the pod's network goes away, or when the client sends anything to a closed
// socket.

// isReceiving reports whether the client is receiving something and has made progress since the
// last call. last is the number of bytes under way at that call, and is updated.
func isReceiving(client Conn, last *int) bool {
	raw := pump.RawOf(tlsterm.Beneath(client))
	if raw == nil {
		return false
	}
	before := *last
	_ = raw.Control(func(fd uintptr) { *last = unacknowledged(fd) })
	return *last > 0 && *last != before
}

// hasUnread reports whether the client has sent something that has not been read yet, such as a
// request that has just arrived.
func hasUnread(client Conn) (yes bool) {
	if raw := pump.RawOf(tlsterm.Beneath(client)); raw != nil {
		_ = raw.Control(func(fd uintptr) { yes = unreadBytes(fd) > 0 })
	}
	return yes
}

// extendLingerLocked gives a client more time to close its side while it is still receiving.
func (c *conn) extendLingerLocked() bool {
	if c.life.final || c.life.states[fromApp] != done || !isReceiving(c.client, &c.unread.byLinger) {
		return false
	}
	c.requests.Deadline.PutOffLinger(time.Now().Add(lingerTimeout))
	return true
}
