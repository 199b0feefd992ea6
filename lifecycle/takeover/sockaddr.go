package takeover

import (
	"encoding/binary"
	"net/netip"
	"strconv"
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
		// The kernel treats AF_UNSPEC as AF_INET if the address is unspecified.
		return a, family == familyIPv4 || a.Addr().IsUnspecified()
	case family == familyIPv6 && len(b) >= minIPv6:
		return netip.AddrPortFrom(netip.AddrFrom16([16]byte(b[8:24])), binary.BigEndian.Uint16(b[2:])), true
	}
	return netip.AddrPort{}, false
}

// moveSockaddr returns the struct sockaddr with a port of the loopback interface, whose address for
// IPv6 is to. The result has the same length. parseSockaddr must have accepted b.
func moveSockaddr(b []byte, port uint16, to netip.Addr) []byte {
	m := make([]byte, len(b))
	copy(m, b)
	binary.BigEndian.PutUint16(m[2:], port)
	if binary.NativeEndian.Uint16(b) != familyIPv6 {
		binary.NativeEndian.PutUint16(m, familyIPv4)
		copy(m[4:8], loopback4.AsSlice())
		return m
	}
	if netip.AddrFrom16([16]byte(b[8:24])).Is4In6() {
		to = mapped4 // such a socket is not IPv6-only
	}
	copy(m[8:24], to.AsSlice())
	return m
}

// withZone returns the address with the scope of the struct sockaddr, which a link-local one needs.
func withZone(a netip.Addr, b []byte) netip.Addr {
	if !a.Is6() || !a.IsLinkLocalUnicast() || len(b) < sizeIPv6 {
		return a
	}
	return a.WithZone(strconv.Itoa(int(binary.NativeEndian.Uint32(b[24:]))))
}

// ipv6Loopback returns the address to which sockets of IPv6 are moved. Usually that is ::1, as an
// IPv6-only socket refuses ::ffff:127.0.0.1. Where IPv6 is disabled there is no ::1, but sockets of
// both families can be bound.
func ipv6Loopback() netip.Addr {
	ln, err := listen("[::1]:0")
	if err != nil {
		return mapped4
	}
	_ = ln.Close()
	return loopback6
}
