package proxy

import (
	"context"
	"net"
	"net/netip"
	"strconv"
	"time"

	"lameduck/lifecycle/sockdiag"
)

// lookPause is the time between two looks at the kernel's sockets, which cost the app nothing.
// dialPause is the time between two connections that test whether the app accepts: each takes a
// place in its backlog.
const (
	lookPause = 50 * time.Millisecond
	dialPause = 2 * time.Second
)

// A Presence finds out whether an app listens at its address. If the app shares the network
// namespace, Presence looks at its listening socket. Otherwise it dials the app, rarely.
type Presence struct {
	address   string
	listeners func(port uint16) ([]sockdiag.Listener, error)
	refuses   func(ctx context.Context, address string) bool
	visible   []netip.AddrPort // the address, if its listener is in our namespace
	checked   bool             // visible has been found out
}

// NewPresence returns the Presence of the app at address, host:port, with the sockets of our
// namespace.
func NewPresence(address string, sockets *sockdiag.Conn) *Presence {
	return &Presence{address: address, listeners: sockets.Listeners, refuses: refuses}
}

// Look reports whether an app listens at the address, and how long to wait before the next look. It
// may be called by one goroutine at a time.
func (p *Presence) Look(ctx context.Context) (listens bool, pause time.Duration) {
	if !p.checked {
		p.checked, p.visible = true, inOurNamespace(p.address)
	}
	if p.isSeen() {
		return true, lookPause
	}
	// A dial decides, because a listener behind a redirect or in an emulated kernel is invisible.
	// Without a listener the dial fills no backlog.
	if p.refuses(ctx, p.address) {
		return false, lookPause
	}
	return true, dialPause
}

// isSeen reports whether the kernel has a listener for the address. It returns false if that is
// unknown.
func (p *Presence) isSeen() bool {
	for _, to := range p.visible {
		listeners, err := p.listeners(to.Port())
		if err != nil {
			return false
		}
		for _, l := range listeners {
			if l.Accepts(to) {
				return true
			}
		}
	}
	return false
}

// IsLocal reports whether an app at address, host:port, is known to be in our network namespace.
func IsLocal(address string) bool { return len(inOurNamespace(address)) > 0 }

// inOurNamespace returns the IP addresses of address, host:port, if a listener there is in our
// network namespace. It returns none if it is elsewhere, or if that is unknown.
func inOurNamespace(address string) []netip.AddrPort {
	host, service, _ := net.SplitHostPort(address)
	port, err := strconv.ParseUint(service, 10, 16)
	if err != nil {
		return nil
	}
	ips := []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}
	if host != "localhost" {
		ip, err := netip.ParseAddr(host)
		switch {
		case err != nil || !isOurs(ip):
			return nil
		case !ip.IsUnspecified(): // an unspecified address is dialed as the loopback address
			ips = []netip.Addr{ip}
		}
	}
	var visible []netip.AddrPort
	for _, ip := range ips {
		visible = append(visible, netip.AddrPortFrom(ip, uint16(port)))
	}
	return visible
}

// isOurs reports whether ip is an address of one of our interfaces.
func isOurs(ip netip.Addr) bool {
	if ip.IsLoopback() || ip.IsUnspecified() {
		return true
	}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	for _, a := range addresses {
		own, err := netip.ParsePrefix(a.String())
		if err == nil && own.Addr() == ip.Unmap().WithZone("") {
			return true
		}
	}
	return false
}

// refuseTimeout bounds a dial that tests whether the app still accepts. A refusal takes less.
const refuseTimeout = time.Second

// refuses reports whether connections to address are refused. An accepted one is closed at once.
func refuses(ctx context.Context, address string) bool {
	ctx, cancel := context.WithTimeout(ctx, refuseTimeout)
	defer cancel()
	c, err := DialTCP(address)(ctx)
	if err != nil {
		return isRefused(err)
	}
	_ = c.Close()
	return false
}
