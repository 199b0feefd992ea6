package takeover

import (
	"encoding/binary"
	"net/netip"
)

// The layout of struct sockaddr_in and struct sockaddr_in6, and Linux's numbers of their families.
const (
	familyUnspec = 0
	familyIPv4   = 2
	familyIPv6   = 10

	sizeIPv4 = 16
	sizeIPv6 = 28
	minIPv6  = 24 // the kernel takes one without the scope, as in RFC 2133

	maxSockaddr = 128 // struct sockaddr_storage: for longer ones bind fails
)

var (
	loopback4 = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	mapped4   = netip.AddrFrom16(loopback4.As16())
	loopback6 = netip.IPv6Loopback()
)

// parseSockaddr returns the address of a struct sockaddr. It reports false if that is not an address
// that a TCP socket can bind.
func parseSockaddr(b []byte) (netip.AddrPort, bool) {
	if len(b) < 2 {
		return netip.AddrPort{}, false
	}
	switch family := binary.NativeEndian.Uint16(b); {
	case (family == familyIPv4 || family == familyUnspec) && len(b) >= sizeIPv4:
		a := netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[4:8])), binary.BigEndian.Uint16(b[2:]))
		// The kernel takes AF_UNSPEC for AF_INET if the address is unspecified.
		return a, family == familyIPv4 || a.Addr().IsUnspecified()
	case family == familyIPv6 && len(b) >= minIPv6:
		return netip.AddrPortFrom(netip.AddrFrom16([16]byte(b[8:24])), binary.BigEndian.Uint16(b[2:])), true
	}
	return netip.AddrPort{}, false
}

// moveSockaddr returns the struct sockaddr with a port of the loopback interface. The result has the
// same length. parseSockaddr must have accepted b.
func moveSockaddr(b []byte, port uint16) []byte {
	m := make([]byte, len(b))
	copy(m, b)
	binary.BigEndian.PutUint16(m[2:], port)
	if binary.NativeEndian.Uint16(b) != familyIPv6 {
		binary.NativeEndian.PutUint16(m, familyIPv4)
		copy(m[4:8], loopback4.AsSlice())
		return m
	}
	to := loopback6 // an IPv6-only socket refuses ::ffff:127.0.0.1
	if netip.AddrFrom16([16]byte(b[8:24])).Is4In6() {
		to = mapped4 // such a socket is not IPv6-only
	}
	copy(m[8:24], to.AsSlice())
	return m
}
