package command

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"lameduck/cmd/lameduck/config"
	"lameduck/lifecycle"
	"lameduck/lifecycle/observe"
	"lameduck/lifecycle/silence"
	"lameduck/proxy"
)

// A relay combines the server and the observer into the relay of the lifecycle.
type relay struct {
	*proxy.Server
	observer *observe.Observer // nil if nothing is observed
}

func (p *process) newRelay() lifecycle.Relay { return relay{p.server, p.observer} }

// Drain begins the drain of both.
func (r relay) Drain() {
	r.Server.Drain()
	if r.observer != nil {
		r.observer.Drain()
	}
}

// Forecast returns the forecast for the clients of both.
func (r relay) Forecast(rule silence.Rule) silence.Forecast {
	f := r.Server.Forecast(rule)
	if r.observer != nil {
		f = f.And(r.observer.Forecast(rule))
	}
	return f
}

// CloseIdle records the end of the hold and closes the idle connections of the server.
func (r relay) CloseIdle() {
	r.endHold()
	r.Server.CloseIdle()
}

// Cut records the end of the hold and ends every connection of the server.
func (r relay) Cut() (connections, exchanges int) {
	r.endHold()
	return r.Server.Cut()
}

// endHold records the observed connections that are open at the end of the hold.
func (r relay) endHold() {
	if r.observer != nil {
		r.observer.EndHold()
	}
}

// DrainStats returns what has been counted so far.
func (r relay) DrainStats() lifecycle.DrainStats { return lifecycle.DrainStats(r.Server.DrainStats()) }

// observed returns the function that returns the observer's counts, or nil if nothing is observed.
func (p *process) observed() func() lifecycle.Observed {
	if p.observer == nil {
		return nil
	}
	return func() lifecycle.Observed { return lifecycle.Observed(p.observer.Stats()) }
}

// bypassed returns the function that counts the connections that bypass the relay, or nil if no
// route leads to an app in this network namespace.
func (p *process) bypassed() func() uint64 {
	if p.observer == nil || !slices.ContainsFunc(observedPorts(p.config), isRelayed) {
		return nil
	}
	return p.observer.Bypassed
}

func isRelayed(p observe.Port) bool { return p.Relay != 0 }

// newObserver returns the observer of the configured ports and of the app's ports behind routes. It
// returns nil if there are none in this network namespace.
func (p *process) newObserver() *observe.Observer {
	c := p.observerConfig()
	if len(c.Ports) == 0 {
		return nil
	}
	o := observe.New(c)
	if p.config.HostIP.IsValid() {
		for _, from := range append(observe.Gateways(), p.config.HostIP) {
			o.NoteKubelet(from)
		}
	}
	return o
}

func (p *process) observerConfig() observe.Config {
	c := observe.Config{
		Ports: observedPorts(p.config), LBDelay: p.config.LBDelay, Sockets: p.sockets, Log: p.log.Logger,
	}
	if c.LBDelay == 0 { // otherwise a drain that cannot be watched would hold only for Min
		c.LBDelay = p.config.HoldMax / 2
	}
	if len(p.config.Routes) == 0 { // a relay has connections of its own, to the app too
		c.Accepted = p.accepted.Load
	} else {
		c.Relayed = p.server.Ended
	}
	for _, probe := range p.config.ObserveProbes {
		c.Probes = append(c.Probes, observe.Probe{Port: probe.Port, Period: probe.Period})
	}
	return c
}

func observedPorts(c *config.Config) (ports []observe.Port) {
	for _, number := range c.Observe {
		ports = append(ports, observe.Port{Number: number})
	}
	for _, r := range c.Routes {
		listen, app := r.Ports()
		if r.Takeover { // only the relay can reach the app
			continue
		}
		if listen == 0 || !proxy.IsLocal(r.App) ||
			slices.ContainsFunc(ports, func(p observe.Port) bool { return p.Number == app }) {
			continue
		}
		ports = append(ports, observe.Port{Number: app, Relay: listen, Ours: listenersAt(c, app)})
	}
	return ports
}

// listenersAt returns the addresses at which Lameduck itself listens at a port.
func listenersAt(c *config.Config, port uint16) (ours []netip.Addr) {
	for _, r := range c.Routes {
		if listen, _ := r.Ports(); listen == port {
			host, _, _ := net.SplitHostPort(r.Listen)
			if ip, err := netip.ParseAddr(host); err == nil {
				ours = append(ours, ip)
			}
		}
	}
	return ours
}

// observedApp returns a Look that reports whether any process listens at an observed port. If the
// kernel's sockets cannot be read, it dials 127.0.0.1. The app may listen at another address alone, so
// a refusal means that it has exited only if it has been reached there.
func (p *process) observedApp(port uint16) lifecycle.Look {
	dialled := proxy.NewPresence(net.JoinHostPort("127.0.0.1", strconv.Itoa(int(port))), p.sockets)
	reached := false
	return func(ctx context.Context) (present bool, pause time.Duration) {
		listeners, err := p.sockets.Listeners(port)
		if err == nil {
			return len(listeners) > 0, observePause
		}
		present, pause = dialled.Look(ctx)
		reached = reached || present
		return present || !reached, pause
	}
}

// observePause is the time between two looks for the listener of an observed port.
const observePause = 50 * time.Millisecond

// noteKubelet reports to the observer the addresses from which the kubelet probes the admin
// address: its probes of the app come from there too.
func (p *process) noteKubelet(next http.Handler) http.Handler {
	if p.observer == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.UserAgent(), "kube-probe/") {
			if from, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
				p.observer.NoteKubelet(from.Addr())
			}
		}
		next.ServeHTTP(w, r)
	})
}
