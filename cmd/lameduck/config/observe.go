package config

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Probe is a probe of the kubelet, which opens a connection to a port once in each period.
type Probe struct {
	Port   uint16
	Period time.Duration
}

// maxObserved bounds the ports, so that the kernel can compare them all.
const maxObserved = 32

func setObserve(c *Config, value string) error {
	var errs []error
	c.Observe = nil
	for i, m := range members(value) {
		switch port, ok := parsePort(m); {
		case !ok:
			errs = append(errs, fmt.Errorf("must be port numbers from 1 to 65535 (for example 8080,9090), "+
				"member %d is not", i+1))
		case !slices.Contains(c.Observe, port):
			c.Observe = append(c.Observe, port)
		}
	}
	if len(c.Observe) > maxObserved {
		errs = append(errs, fmt.Errorf("must have at most %d ports, got %d", maxObserved, len(c.Observe)))
	}
	return errors.Join(errs...)
}

func setObserveProbes(c *Config, value string) error {
	var errs []error
	c.ObserveProbes = nil
	for i, m := range members(value) {
		number, period, _ := strings.Cut(m, "=")
		port, ok := parsePort(number)
		d, err := time.ParseDuration(period)
		if !ok || err != nil || d < time.Second || d > maxDuration {
			errs = append(errs, fmt.Errorf("must be port=period with a period of at least 1s "+
				"(for example 8080=10s,8080=5s), member %d is not", i+1))
			continue
		}
		c.ObserveProbes = append(c.ObserveProbes, Probe{port, d})
	}
	return errors.Join(errs...)
}

func setHostIP(c *Config, value string) error {
	c.HostIP = netip.Addr{}
	if value == "" {
		return nil
	}
	ip, err := netip.ParseAddr(value)
	if err != nil {
		return errors.New("must be an IP address (for example 10.0.0.1)")
	}
	c.HostIP = ip.Unmap()
	return nil
}

func parsePort(s string) (port uint16, ok bool) {
	if !isPort(s) || s == "0" {
		return 0, false
	}
	n, err := strconv.ParseUint(s, 10, 16)
	return uint16(n), err == nil
}

// resolveRoutes leaves the default route out if ports are observed instead.
func (r *resolver) resolveRoutes() {
	if len(r.Observe) > 0 && r.variables["LAMEDUCK_ROUTES"] == "" {
		r.Routes = nil
	}
}

// checkObserve reports observed ports that are not the app's, or that are observed anyway.
func (r *resolver) checkObserve() {
	if !r.valid("LAMEDUCK_OBSERVE") {
		return
	}
	ours := []listener{{"LAMEDUCK_ADMIN", r.Admin}, {"LAMEDUCK_CONTROL", r.Control}}
	for _, route := range r.Routes {
		ours = append(ours, listener{"LAMEDUCK_ROUTES", route.Listen})
		if _, port := route.Ports(); slices.Contains(r.Observe, port) {
			r.problem("LAMEDUCK_OBSERVE", "must not have %d, the app's port of a route: it is observed anyway", port)
		}
	}
	for _, l := range ours {
		if port := portOf(l.address); slices.Contains(r.Observe, port) {
			r.problem("LAMEDUCK_OBSERVE", "must have the app's ports, and %d is that of %s", port, l.variable)
		}
	}
}
