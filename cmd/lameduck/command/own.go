package command

import (
	"fmt"
	"net"
	"net/netip"
	"slices"

	"lameduck/cmd/lameduck/config"
	"lameduck/proxy"
)

// ownAddresses returns the addresses at which this process listens.
func (p *process) ownAddresses() (own []netip.AddrPort) {
	for _, ln := range append(slices.Clone(p.listeners), p.admin, p.control) {
		if tcp, ok := ln.Addr().(*net.TCPAddr); ok {
			own = append(own, netip.AddrPortFrom(tcp.AddrPort().Addr().Unmap(), uint16(tcp.Port)))
		}
	}
	return own
}

// localApp returns the app of a route that has no host for it.
func (p *process) localApp(r config.Route) *proxy.LocalApp {
	_, port := r.Ports()
	return proxy.NewLocalApp(port, p.sockets, p.ownAddresses())
}

// refuseLoops returns an error if a route leads back to this process by an address of this host. One
// request would take every connection. The configuration alone shows loopback addresses only.
func (p *process) refuseLoops() error {
	own := p.ownAddresses()
	for i, r := range p.config.Routes {
		host, _, _ := net.SplitHostPort(r.App)
		_, port := r.Ports()
		ip, err := netip.ParseAddr(host)
		if err != nil || !proxy.IsLocal(r.App) {
			continue
		}
		to := netip.AddrPortFrom(ip.Unmap(), port)
		if slices.ContainsFunc(own, func(ln netip.AddrPort) bool { return accepts(ln, to) }) {
			return configError(fmt.Errorf("LAMEDUCK_ROUTES: route %d must not relay to %s: "+
				"lameduck itself listens there", i+1, r.App))
		}
	}
	return nil
}

// accepts reports whether a listener at an address gets the connections to another.
func accepts(listener, to netip.AddrPort) bool {
	at := listener.Addr()
	return listener.Port() == to.Port() && (at == to.Addr() || at == netip.IPv6Unspecified() ||
		at == netip.IPv4Unspecified() && to.Addr().Is4())
}
