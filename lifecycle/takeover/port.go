package takeover

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync/atomic"
	"syscall"

	"lameduck/lifecycle/sockdiag"
)

// A Port is a port of the app that Lameduck has taken over. Its methods may be called by any
// goroutine.
type Port struct {
	route netip.AddrPort // unspecified if the app chooses the address
	moved uint16         // where the app listens instead
	front Front
	held  net.Listener // closed before the front is opened

	ipv4, ipv6 atomic.Bool // whether a socket of the family has been moved
	listening  atomic.Bool // whether the app has listened

	opened []netip.Addr // owned by the notifier
}

// A Front makes Lameduck listen at the address at which the app would. The network is tcp, tcp4 or
// tcp6, as of [net.Listen]. Its error becomes that of the app's listen.
type Front func(network string, at netip.AddrPort) error

// NewPort returns the Port of the address that a listener of [Hold] holds, and chooses the port to
// which the app is moved, other than those to avoid. When the app listens, the listener is closed and
// the front is opened: at the address that was held, or at the app's own if that is unspecified.
func NewPort(held net.Listener, avoid []uint16, front Front) (*Port, error) {
	tcp, ok := held.Addr().(*net.TCPAddr)
	if !ok {
		return nil, fmt.Errorf("take over %v: not a TCP address", held.Addr())
	}
	at, ok := netip.AddrFromSlice(tcp.IP)
	if !ok {
		at = netip.IPv6Unspecified()
	}
	p := &Port{route: netip.AddrPortFrom(at.Unmap().WithZone(tcp.Zone), uint16(tcp.Port)), front: front, held: held}
	var err error
	if p.moved, err = freePort(avoid); err != nil {
		return nil, fmt.Errorf("take over port %d: %w", tcp.Port, err)
	}
	return p, nil
}

// Moved returns the port at which the app listens.
func (p *Port) Moved() uint16 { return p.moved }

// Addresses returns the addresses at which the app may listen, host:port, the likely one first.
func (p *Port) Addresses() [2]string {
	port := strconv.Itoa(int(p.moved))
	v4, v6 := net.JoinHostPort("127.0.0.1", port), net.JoinHostPort("::1", port)
	if p.ipv6.Load() && !p.ipv4.Load() {
		return [2]string{v6, v4}
	}
	return [2]string{v4, v6}
}

// open opens the front for the address at which the app listens, unless it is open already.
func (p *Port) open(asked netip.Addr) error {
	at := p.route.Addr()
	if at.IsUnspecified() {
		at = asked.Unmap()
	}
	if slices.ContainsFunc(p.opened, func(o netip.Addr) bool { return covers(o, at) }) {
		return nil
	}
	network := "tcp"
	switch {
	case at.Is4():
		network = "tcp4"
	case slices.ContainsFunc(p.opened, netip.Addr.Is4): // the app's socket is IPv6-only
		network = "tcp6"
	}
	_ = p.held.Close()
	if err := p.front(network, netip.AddrPortFrom(at, p.route.Port())); err != nil {
		return err
	}
	p.opened = append(p.opened, at)
	p.listening.Store(true)
	return nil
}

// covers reports whether a listener at an address accepts what another one would.
func covers(listener, other netip.Addr) bool {
	return listener == other || listener == netip.IPv6Unspecified() ||
		listener == netip.IPv4Unspecified() && other.Is4()
}

// collides reports whether a bind of the address would fail because of a listener of ours.
func (p *Port) collides(to netip.AddrPort) bool {
	if to.Port() != p.route.Port() {
		return false
	}
	ours, theirs := p.route.Addr(), to.Addr().Unmap()
	return ours.IsUnspecified() || theirs.IsUnspecified() || ours.WithZone("") == theirs
}

// noteMoved records the family of a moved socket.
func (p *Port) noteMoved(to netip.Addr) {
	if to.Unmap().Is4() {
		p.ipv4.Store(true)
	} else {
		p.ipv6.Store(true)
	}
}

// forget forgets which families have been moved.
func (p *Port) forget() {
	p.ipv4.Store(false)
	p.ipv6.Store(false)
}

// freePort returns a port that any process can bind. If possible, it is not one of the kernel's
// ephemeral ports, so that no connection takes it while the app is not listening, as in a reload.
func freePort(avoid []uint16) (uint16, error) {
	first, last := sockdiag.EphemeralPorts()
	low, high := int(first), int(last)
	for _, r := range [][2]int{{high + 1, 1 << 16}, {10000, low}, {1024, min(low, 10000)}} {
		size := r[1] - r[0]
		if size <= 0 {
			continue
		}
		start := rand.IntN(size)
		for i := range min(size, 1000) {
			port := uint16(r[0] + (start+i)%size)
			if !slices.Contains(avoid, port) && isFree(port) {
				return port, nil
			}
		}
	}
	ln, err := listen("127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("no free port: %w", err)
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).AddrPort().Port(), nil
}

// listen returns at once, so there is nothing to cancel.
func listen(address string) (net.Listener, error) {
	var config net.ListenConfig
	return config.Listen(context.Background(), "tcp", address)
}

// isFree reports whether a port can be bound, at any address and without SO_REUSEADDR, which an app
// may not set. No program may be started meanwhile: until its execve it would have a copy of the
// socket, and the app could not bind the port.
func isFree(port uint16) bool {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	h, err := bindAll(port)
	if err != nil {
		return false
	}
	_ = h.Close()
	return true
}
