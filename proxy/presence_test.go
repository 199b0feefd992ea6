package proxy

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"lameduck/lifecycle/sockdiag"
)

// surroundings are the sources of a Presence: listeners and dials.
type surroundings struct {
	listeners []sockdiag.Listener
	err       error // of listing the listeners
	refuses   bool  // a dial is refused
	dials     int
}

func (s *surroundings) presence(address string) *Presence {
	return &Presence{
		address: address,
		listeners: func(port uint16) (found []sockdiag.Listener, err error) {
			for _, l := range s.listeners {
				if l.Address.Port() == port {
					found = append(found, l)
				}
			}
			return found, s.err
		},
		refuses: func(context.Context, string) bool {
			s.dials++
			return s.refuses
		},
	}
}

func listening(addresses ...string) (listeners []sockdiag.Listener) {
	for _, a := range addresses {
		listeners = append(listeners, sockdiag.Listener{Address: netip.MustParseAddrPort(a)})
	}
	return listeners
}

func TestPresence(t *testing.T) {
	for name, test := range map[string]struct {
		app    string
		around surroundings
		want   bool
		pause  time.Duration
		dials  int
	}{
		"a listener of ours is looked at":                   {"127.0.0.1:80", surroundings{listeners: listening("127.0.0.1:80")}, true, lookPause, 0},
		"at all addresses too":                              {"127.0.0.1:80", surroundings{listeners: listening("0.0.0.0:80")}, true, lookPause, 0},
		"a dual-stack one too":                              {"127.0.0.1:80", surroundings{listeners: listening("[::]:80")}, true, lookPause, 0},
		"several that share the port too":                   {"127.0.0.1:80", surroundings{listeners: listening("0.0.0.0:80", "0.0.0.0:80")}, true, lookPause, 0},
		"localhost is either family":                        {"localhost:80", surroundings{listeners: listening("[::1]:80")}, true, lookPause, 0},
		"an unspecified address is dialled as the loopback": {"0.0.0.0:80", surroundings{listeners: listening("127.0.0.1:80")}, true, lookPause, 0},
		"one on another address is another app":             {"127.0.0.1:80", surroundings{listeners: listening("127.0.0.2:80"), refuses: true}, false, lookPause, 1},
		"without a listener a dial decides: none":           {"127.0.0.1:80", surroundings{refuses: true}, false, lookPause, 1},
		"without a listener a dial decides: one unseen":     {"127.0.0.1:80", surroundings{}, true, dialPause, 1},
		"without diagnostics it is dialled":                 {"127.0.0.1:80", surroundings{err: errors.New("refused")}, true, dialPause, 1},
		"an app elsewhere is dialled":                       {"192.0.2.1:80", surroundings{listeners: listening("0.0.0.0:80")}, true, dialPause, 1},
		"and so is one with a name":                         {"app:80", surroundings{listeners: listening("0.0.0.0:80")}, true, dialPause, 1},
		"an app elsewhere that refuses is not there":        {"192.0.2.1:80", surroundings{listeners: listening("0.0.0.0:80"), refuses: true}, false, lookPause, 1},
	} {
		t.Run(name, func(t *testing.T) {
			listens, pause := test.around.presence(test.app).Look(t.Context())
			if listens != test.want || pause != test.pause || test.around.dials != test.dials {
				t.Errorf("listens: %v, next look in %v, %d dials; want %v, %v, %d",
					listens, pause, test.around.dials, test.want, test.pause, test.dials)
			}
		})
	}
}

func TestPresence_AnAddressOfAnInterfaceIsInOurNamespace(t *testing.T) {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addresses {
		ip := a.(*net.IPNet).IP.String()
		want, _ := netip.ParseAddr(ip)
		got := inOurNamespace(net.JoinHostPort(ip, "80"))
		if !slices.Equal(got, []netip.AddrPort{netip.AddrPortFrom(want, 80)}) {
			t.Errorf("%s became %v in our namespace, want no change", ip, got)
		}
	}
}

func TestPresence_FindsARealListener(t *testing.T) {
	sockets := sockdiag.Open()
	defer sockets.Close()
	ln := listenLoopback(t)
	p := NewPresence(ln.Addr().String(), sockets)
	if listens, _ := p.Look(t.Context()); !listens {
		t.Error("an app that listens is not found")
	}
	_ = ln.Close()
	if listens, _ := p.Look(t.Context()); listens {
		t.Error("an app that no longer listens is found")
	}
}
