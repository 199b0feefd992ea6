package takeover

import (
	"bytes"
	"encoding/binary"
	"net"
	"net/netip"
	"strings"
	"testing"

	"lameduck/lifecycle/sockdiag"
)

// sockaddr returns the struct sockaddr of an address.
func sockaddr(family uint16, a netip.AddrPort, size int) []byte {
	b := make([]byte, size)
	binary.NativeEndian.PutUint16(b, family)
	binary.BigEndian.PutUint16(b[2:], a.Port())
	if a.Addr().Is4() {
		copy(b[4:], a.Addr().AsSlice())
	} else {
		copy(b[8:], a.Addr().AsSlice())
	}
	return b
}

func TestASocketAddressIsMovedToTheLoopbackInterfaceOfItsFamily(t *testing.T) {
	for _, tt := range []struct {
		name     string
		family   uint16
		from, to string
		size     int
	}{
		{"IPv4, any", familyIPv4, "0.0.0.0:8080", "127.0.0.1:61234", sizeIPv4},
		{"IPv4", familyIPv4, "10.1.2.3:8080", "127.0.0.1:61234", sizeIPv4},
		{"unspecified family", familyUnspec, "0.0.0.0:8080", "127.0.0.1:61234", sizeIPv4},
		{"IPv6, any", familyIPv6, "[::]:8080", "[::1]:61234", sizeIPv6},
		{"IPv6, short", familyIPv6, "[fd00::1]:8080", "[::1]:61234", minIPv6},
		{"IPv4 in IPv6", familyIPv6, "[::ffff:10.1.2.3]:8080", "[::ffff:127.0.0.1]:61234", sizeIPv6},
	} {
		from := netip.MustParseAddrPort(tt.from)
		b := sockaddr(tt.family, from, tt.size)
		before := bytes.Clone(b)
		got, ok := parseSockaddr(b)
		if !ok || got != from {
			t.Errorf("%s: parsed as %v, %v, want %v", tt.name, got, ok, from)
		}
		m := moveSockaddr(b, 61234, loopback6)
		if to, ok := parseSockaddr(m); !ok || to.String() != tt.to || len(m) != len(b) {
			t.Errorf("%s: moved to %v (%d bytes), want %s", tt.name, to, len(m), tt.to)
		}
		if binary.NativeEndian.Uint16(m) == familyUnspec {
			t.Errorf("%s: the family is AF_UNSPEC, which the kernel refuses with a loopback address", tt.name)
		}
		if !bytes.Equal(b, before) {
			t.Errorf("%s: the original was overwritten", tt.name)
		}
	}
}

func TestOtherSocketAddressesAreNotParsed(t *testing.T) {
	for name, b := range map[string][]byte{
		"empty":                      {},
		"one byte":                   {2},
		"short IPv4":                 sockaddr(familyIPv4, netip.MustParseAddrPort("0.0.0.0:8080"), 16)[:15],
		"short IPv6":                 sockaddr(familyIPv6, netip.MustParseAddrPort("[::]:8080"), 28)[:23],
		"unspecified, not any":       sockaddr(familyUnspec, netip.MustParseAddrPort("127.0.0.1:8080"), 16),
		"Unix, in the abstract":      append([]byte{1, 0, 0}, "0123456789abcdef"...),
		"netlink":                    append([]byte{16, 0}, make([]byte, 10)...),
		"vsock with a port like TCP": append([]byte{40, 0, 0x1f, 0x90}, make([]byte, 12)...),
	} {
		if a, ok := parseSockaddr(b); ok {
			t.Errorf("%s was parsed as %v, want an error", name, a)
		}
	}
}

func TestOnlyBindsThatCollideWithOurListenerAreMoved(t *testing.T) {
	for _, tt := range []struct {
		listener, bind string
		want           bool
	}{
		{"0.0.0.0:8080", "0.0.0.0:8080", true},
		{"[::]:8080", "0.0.0.0:8080", true},
		{"[::]:8080", "127.0.0.1:8080", true},
		{"[::]:8080", "[fe80::1]:8080", true},
		{"127.0.0.1:8080", "[::]:8080", true},
		{"127.0.0.1:8080", "[::ffff:127.0.0.1]:8080", true},
		{"127.0.0.1:8080", "[::ffff:0.0.0.0]:8080", true},
		{"127.0.0.1:8080", "127.0.0.2:8080", false},
		{"127.0.0.1:8080", "[::1]:8080", false},
		{"[::]:8080", "0.0.0.0:8081", false},
		{"[::]:8080", "0.0.0.0:0", false},
	} {
		p := &Port{route: netip.MustParseAddrPort(tt.listener)}
		if got := p.collides(netip.MustParseAddrPort(tt.bind)); got != tt.want {
			t.Errorf("with a listener at %s, a bind of %s was moved: %v, want %v", tt.listener, tt.bind, got, tt.want)
		}
	}
}

func TestTheLikelyAddressOfTheAppComesFirst(t *testing.T) {
	for _, tt := range []struct {
		bound []string
		want  string
	}{
		{nil, "127.0.0.1:61234"},
		{[]string{"0.0.0.0"}, "127.0.0.1:61234"},
		{[]string{"::"}, "[::1]:61234"},
		{[]string{"::ffff:0.0.0.0"}, "127.0.0.1:61234"},
		{[]string{"::", "0.0.0.0"}, "127.0.0.1:61234"},
	} {
		p := &Port{moved: 61234}
		for _, a := range tt.bound {
			p.noteMoved(netip.MustParseAddr(a))
		}
		if got := p.Addresses(); got[0] != tt.want || got[1] == got[0] {
			t.Errorf("after binds of %v, addresses %v, want %s first", tt.bound, got, tt.want)
		}
	}
}

func TestThePortOfTheAppIsFreeAndNoneToAvoid(t *testing.T) {
	first, last := sockdiag.EphemeralPorts()
	held := hold(t, ":0")
	var avoid []uint16
	for range 20 {
		p, err := NewPort(held, avoid, noFront)
		if err != nil {
			t.Fatal(err)
		}
		for _, other := range avoid {
			if p.Moved() == other {
				t.Errorf("port %d was chosen again", other)
			}
		}
		if n := p.Moved(); n >= first && n <= last && last < 1<<16-1 {
			t.Errorf("port %d is one of the kernel's ephemeral ports, %d to %d", n, first, last)
		}
		avoid = append(avoid, p.Moved())
	}
}

// FuzzSockaddr checks that moving an address changes nothing but its port, its
// address and an unspecified family.
func FuzzSockaddr(f *testing.F) {
	f.Add(sockaddr(familyIPv4, netip.MustParseAddrPort("0.0.0.0:8080"), sizeIPv4))
	f.Add(sockaddr(familyIPv6, netip.MustParseAddrPort("[::]:8080"), sizeIPv6))
	f.Add(sockaddr(familyUnspec, netip.MustParseAddrPort("0.0.0.0:80"), sizeIPv4))
	f.Add([]byte{1, 0, 'a'})
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, ok := parseSockaddr(b); !ok {
			return
		}
		m := moveSockaddr(b, 61234, loopback6)
		to, ok := parseSockaddr(m)
		if !ok || to.Port() != 61234 || !to.Addr().Unmap().IsLoopback() {
			t.Fatalf("%x was moved to %v", b, to)
		}
		if len(m) != len(b) {
			t.Fatalf("%d bytes became %d", len(b), len(m))
		}
		rest := 8
		if binary.NativeEndian.Uint16(b) == familyIPv6 {
			rest = 24
			if !bytes.Equal(m[4:8], b[4:8]) {
				t.Fatal("the flow label was changed")
			}
		}
		if !bytes.Equal(m[rest:], b[rest:]) {
			t.Fatal("the bytes after the address were changed")
		}
	})
}

// noFront is for ports on which the app does not listen, or on which the test listens itself.
func noFront(string, netip.AddrPort) error { return nil }

// hold listens on an address until the test ends.
func hold(t *testing.T, address string) net.Listener {
	t.Helper()
	held, err := Hold(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = held.Close() })
	return held
}

// TestTheFrontIsWhereTheAppListens has the addresses on which an app listens, in order, and
// the listeners that Lameduck then needs.
func TestTheFrontIsWhereTheAppListens(t *testing.T) {
	for _, tt := range []struct{ route, asked, want string }{
		{"0.0.0.0", "0.0.0.0", "tcp4 0.0.0.0"},
		{"0.0.0.0", "::", "tcp ::"},
		{"0.0.0.0", "127.0.0.1", "tcp4 127.0.0.1"},
		{"0.0.0.0", "::ffff:127.0.0.1", "tcp4 127.0.0.1"},
		{"0.0.0.0", "::1", "tcp ::1"},
		{"0.0.0.0", "fe80::1%2", "tcp fe80::1%2"},
		{"0.0.0.0", "127.0.0.1 ::1", "tcp4 127.0.0.1, tcp6 ::1"},
		{"0.0.0.0", "0.0.0.0 ::", "tcp4 0.0.0.0, tcp6 ::"}, // the second is IPv6-only
		{"0.0.0.0", ":: 0.0.0.0 10.0.0.1 ::1 ::", "tcp ::"},
		{"0.0.0.0", "0.0.0.0 10.0.0.1 0.0.0.0", "tcp4 0.0.0.0"}, // SO_REUSEPORT
		{"127.0.0.1", "0.0.0.0", "tcp4 127.0.0.1"},
		{"127.0.0.1", "0.0.0.0 :: 127.0.0.1", "tcp4 127.0.0.1"},
		{"::1", "::", "tcp ::1"},
	} {
		var got []string
		p := &Port{
			route: netip.AddrPortFrom(netip.MustParseAddr(tt.route), 8080), held: hold(t, "127.0.0.1:0"),
			front: func(network string, at netip.AddrPort) error {
				got = append(got, network+" "+at.Addr().String())
				return nil
			},
		}
		for _, asked := range strings.Fields(tt.asked) {
			if err := p.open(netip.MustParseAddr(asked)); err != nil {
				t.Error(err)
			}
		}
		if g := strings.Join(got, ", "); g != tt.want {
			t.Errorf("a route of %s and an app at %s: Lameduck listens at %s, want %s", tt.route, tt.asked, g, tt.want)
		}
	}
}

func TestTheZoneOfALinkLocalAddressIsKept(t *testing.T) {
	for address, want := range map[string]string{"fe80::1": "fe80::1%7", "2001:db8::1": "2001:db8::1"} {
		b := sockaddr(familyIPv6, netip.AddrPortFrom(netip.MustParseAddr(address), 80), sizeIPv6)
		binary.NativeEndian.PutUint32(b[24:], 7)
		a, _ := parseSockaddr(b)
		if got := withZone(a.Addr(), b).String(); got != want {
			t.Errorf("address %s, want %s", got, want)
		}
		if got := withZone(a.Addr(), b[:minIPv6]); got != a.Addr() {
			t.Errorf("without a scope: address %s", got)
		}
	}
}

// If IPv6 is disabled, a dual-stack socket is moved to IPv4.
func TestASocketOfBothFamiliesIsMovedWithoutIPv6(t *testing.T) {
	b := sockaddr(familyIPv6, netip.MustParseAddrPort("[::]:8080"), sizeIPv6)
	got, _ := parseSockaddr(moveSockaddr(b, 61234, mapped4))
	if want := netip.MustParseAddrPort("[::ffff:127.0.0.1]:61234"); got != want {
		t.Errorf("moved to %s, want %s", got, want)
	}
}
