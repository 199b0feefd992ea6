package observe

import (
	"net/netip"
	"slices"

	"lameduck/lifecycle/sockdiag"
)

// A Port is a port of the app.
type Port struct {
	Number uint16
	// Relay is the port of the relay that clients should use instead. Zero means that there is none.
	Relay uint16
	// Ours are the addresses at which Lameduck itself listens at this port.
	Ours []netip.Addr
}

// A port is a Port with its counts.
type port struct {
	Port
	connections uint64 // those that count as traffic
	listened    bool   // a process has listened at it
	warned      bool   // the warning that none listens has been logged
}

// splitByRelay returns the numbers of the ports without a relay and of those with one.
func splitByRelay(all []Port) (alone, relayed []uint16) {
	for _, p := range all {
		if p.Relay == 0 {
			alone = append(alone, p.Number)
		} else {
			relayed = append(relayed, p.Number)
		}
	}
	return alone, relayed
}

// isOurs reports whether Lameduck itself listens at addr.
func (p *port) isOurs(addr netip.Addr) bool { return slices.Contains(p.Ours, addr.Unmap()) }

// portOf returns the port of a connection. It returns nil if the connection is not observed: on a
// port with a relay, those from the pod itself are the relay's.
func (f *flows) portOf(c *sockdiag.Connection) *port {
	p := f.ports[c.Local.Port()]
	if p == nil || p.isOurs(c.Local.Addr()) {
		return nil
	}
	if local, remote := c.Local.Addr().Unmap(), c.Remote.Addr().Unmap(); p.Relay != 0 &&
		(remote == local || remote == loopback4 || remote == loopback6) {
		return nil
	}
	return p
}

// The addresses from which the relay dials.
var (
	loopback4 = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	loopback6 = netip.IPv6Loopback()
)
