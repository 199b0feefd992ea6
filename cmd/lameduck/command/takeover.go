package command

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"syscall"

	"github.com/prometheus/client_golang/prometheus"

	"lameduck/cmd/lameduck/config"
	"lameduck/lifecycle/childproc"
	"lameduck/lifecycle/takeover"
	"lameduck/proxy"
)

// refuseTakeover returns an error if a port is to be taken over although the app is not a child.
func refuseTakeover(c *config.Config) error {
	for i, r := range c.Routes {
		if r.Takeover {
			return configError(fmt.Errorf("LAMEDUCK_ROUTES: route %d must have the app's address instead of "+
				"takeover, which needs the app as a child: lameduck exec -- COMMAND", i+1))
		}
	}
	return nil
}

// takeOver returns the configuration of the child. If a port is taken over, the child's bind of it
// is moved.
func (p *process) takeOver(stop syscall.Signal) (c childproc.Config, err error) {
	c = childproc.Config{Stop: stop, Spawn: syscall.ForkExec, Log: p.log.Logger}
	avoid := p.configuredPorts()
	var ports []*takeover.Port
	p.taken = make([]*takeover.Port, len(p.config.Routes))
	for i, r := range p.config.Routes {
		if !r.Takeover {
			continue
		}
		port, err := takeover.NewPort(p.listeners[i], avoid, p.openFront(i))
		if err != nil {
			return c, err
		}
		p.taken[i] = port
		ports, avoid = append(ports, port), append(avoid, port.Moved())
	}
	if len(ports) > 0 {
		p.takeover = takeover.New(ports, p.log.Logger)
		c.Spawn, c.Daemon = p.takeover.Spawn, p.takeover.Daemon
	}
	return c, nil
}

// withoutListener returns the taken-over or observed ports on which the app has not listened yet.
func (p *process) withoutListener() []uint16 {
	ports := p.takenWithoutListener()
	if p.observer != nil {
		ports = append(ports, p.observer.WithoutListener()...)
	}
	return ports
}

// takenWithoutListener returns the taken-over ports on which the app has not listened yet.
func (p *process) takenWithoutListener() (ports []uint16) {
	for _, port := range p.taken {
		if port != nil && !port.Listening() && !slices.Contains(ports, port.Number()) {
			ports = append(ports, port.Number())
		}
	}
	return ports
}

// portsWithoutListener returns the collector of lameduck_takeover_ports_without_listener.
func (p *process) portsWithoutListener() prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "lameduck_takeover_ports_without_listener",
		Help: "Ports that are taken over and at which the app has not listened yet.",
	}, func() float64 { return float64(len(p.takenWithoutListener())) })
}

// configuredPorts returns the ports of the app that are known.
func (p *process) configuredPorts() []uint16 {
	ports := append([]uint16(nil), p.config.Observe...)
	for _, r := range p.config.Routes {
		_, app := r.Ports()
		ports = append(ports, app)
	}
	return ports
}

// appDialer returns the dialer of a route's app.
func (p *process) appDialer(route int) proxy.Dialer {
	r := p.config.Routes[route]
	switch {
	case p.taken != nil && p.taken[route] != nil:
		return dialTaken(p.taken[route])
	case r.AnyHost:
		return p.localApp(r).Dialer()
	}
	return proxy.DialTCP(r.App)
}

// dialTaken returns the dialer of an app whose port has been taken over. If the more likely address
// family is refused, it tries the other.
func dialTaken(port *takeover.Port) proxy.Dialer {
	dialers := make(map[string]proxy.Dialer)
	for _, address := range port.Addresses() {
		dialers[address] = proxy.DialTCP(address)
	}
	return func(ctx context.Context) (proxy.Conn, error) {
		addresses := port.Addresses()
		c, err := dialers[addresses[0]](ctx)
		if errors.Is(err, syscall.ECONNREFUSED) {
			if c, otherErr := dialers[addresses[1]](ctx); otherErr == nil {
				return c, nil
			}
		}
		return c, err
	}
}
