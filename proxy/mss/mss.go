// Package mss signals over TCP without sending a byte: a socket announces an unusual maximum
// segment size (MSS) in its SYN or SYN-ACK, and the peer reads it back (RFC 9293 section 3.7.1).
//
// Such a mark survives the address translation of a Kubernetes Service. A proxy that terminates TCP
// removes it.
//
// The accepting side of a connection reads the smaller of the peer's MSS and its own, so a listener
// that announces [NoApp] can no longer recognize [Fallback].
package mss

import "syscall"

// A Mark is an MSS value that is used as a signal. Every IPv6 path permits these values (an MTU of
// 1280 bytes leaves 1220), and no common MTU results in one of them.
type Mark int

const (
	// Fallback marks a connection that was dialed to a fallback.
	Fallback Mark = 1187
	// NoApp marks a server whose app has exited. It is below Fallback, which would cap it
	// otherwise.
	NoApp Mark = 1163
)

// Set makes a socket announce m. It must be called before the socket connects; connections accepted
// by a listener inherit it.
func Set(raw syscall.RawConn, m Mark) (err error) {
	if failure := raw.Control(func(fd uintptr) { err = set(fd, m) }); failure != nil {
		return failure
	}
	return err
}

// Has reports whether the peer of a connection announced m. It returns false if that is unknown.
func Has(raw syscall.RawConn, m Mark) (yes bool) {
	_ = raw.Control(func(fd uintptr) { yes = peer(fd) == m })
	return yes
}
