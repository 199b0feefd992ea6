package proxy

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"

	"lameduck/lifecycle/sockdiag"
)

// A LocalApp is an app in our network namespace of which only the port is known. Most apps can be
// reached at 127.0.0.1. Some listen at ::1 alone, as what binds localhost may do, or at the address of
// the pod. Its methods may be called by any goroutine.
type LocalApp struct {
	port      uint16
	usual     string // its address if it can be reached at 127.0.0.1
	listeners func(port uint16) ([]sockdiag.Listener, error)
	ours      []netip.AddrPort // at which this process itself listens

	mu     sync.Mutex
	looked time.Time
	others []string // addresses at which the app listened then, other than the usual one
}

// NewLocalApp returns the app at a port, with the sockets of our namespace. It is not looked for at our
// own addresses.
func NewLocalApp(port uint16, sockets *sockdiag.Conn, ours []netip.AddrPort) *LocalApp {
	return &LocalApp{
		port:      port,
		usual:     net.JoinHostPort("127.0.0.1", strconv.Itoa(int(port))),
		listeners: sockets.Listeners,
		ours:      ours,
	}
}

// Dialer returns a dialer that tries the other addresses if the usual one refuses the connection.
func (a *LocalApp) Dialer() Dialer {
	usual := DialTCP(a.usual)
	return func(ctx context.Context) (Conn, error) {
		c, err := usual(ctx)
		if err == nil || !isRefused(err) {
			return c, err
		}
		for _, address := range a.elsewhere() {
			if c, otherErr := DialTCP(address)(ctx); otherErr == nil {
				return c, nil
			}
		}
		return nil, err
	}
}

// Look reports whether the app listens at another address than the usual one, and how long to wait
// before the next look.
func (a *LocalApp) Look(context.Context) (listens bool, pause time.Duration) {
	return len(a.elsewhere()) > 0, lookPause
}

// elsewhere returns the other addresses at which the app listens. They are looked up once in a
// lookPause, since many clients may wait for an app that does not listen at all.
func (a *LocalApp) elsewhere() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if now := time.Now(); a.looked.IsZero() || now.Sub(a.looked) >= lookPause {
		a.looked, a.others = now, a.find()
	}
	return a.others
}

func (a *LocalApp) find() (others []string) {
	listeners, err := a.listeners(a.port)
	if err != nil {
		return nil
	}
	for _, l := range listeners {
		if slices.Contains(a.ours, unmapped(l.Address)) {
			continue
		}
		if address := reachable(l.Address).String(); address != a.usual && !slices.Contains(others, address) {
			others = append(others, address)
		}
	}
	return others
}

// reachable returns the address at which a listener can be reached. One at all addresses of IPv6 is
// IPv6-only if it refuses 127.0.0.1.
func reachable(listener netip.AddrPort) netip.AddrPort {
	ip := listener.Addr().Unmap()
	switch {
	case ip == netip.IPv4Unspecified():
		ip = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	case ip.IsUnspecified():
		ip = netip.IPv6Loopback()
	}
	return netip.AddrPortFrom(ip, listener.Port())
}

func unmapped(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) }
