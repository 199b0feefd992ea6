package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"lameduck/proxy"
)

// A route is a listener and its app, both host:port, and what is spoken there.
type route struct {
	listen, app string
	protocol    proxy.Protocol
	proxied     bool   // clients begin with a header of the PROXY protocol
	passthrough bool   // TLS is passed on as it comes
	appTLS      bool   // TLS begins anew towards the app
	fallback    string // host:port; empty: none
}

// resolveRoutes reads LAMEDUCK_ROUTES.
func (c *config) resolveRoutes(faults *faults) {
	for _, r := range strings.Split(c.Routes, ",") {
		addresses, options, hasOptions := strings.Cut(strings.TrimSpace(r), ";")
		listen, app, ok := strings.Cut(addresses, "=")
		if !ok {
			faults.add("ROUTES", r, "use listen=app, each [host:]port, such as 18080=8080")
			continue
		}
		parsed, err := parseRoute(strings.TrimSpace(listen), strings.TrimSpace(app))
		if err == nil && hasOptions {
			err = parsed.parseOptions(options)
		}
		if err != nil {
			faults.add("ROUTES", r, err.Error())
			continue
		}
		c.routes = append(c.routes, parsed)
	}
}

// protocols are the values of a route's option proto.
var protocols = map[string]proxy.Protocol{"auto": proxy.Auto, "http1": proxy.HTTP1, "h2c": proxy.H2C, "tcp": proxy.TCP}

// parseOptions reads what stands behind the addresses, separated by semicolons.
func (r *route) parseOptions(options string) error {
	for option := range strings.SplitSeq(options, ";") {
		option = strings.TrimSpace(option)
		name, value, _ := strings.Cut(option, "=")
		protocol, ok := protocols[value]
		switch {
		case option == "proxy":
			r.proxied = true
		case option == "passthrough":
			r.passthrough = true
		case option == "tls":
			r.appTLS = true
		case name != "proto":
			return fmt.Errorf("option %q is unknown: use proxy, passthrough, tls, or proto=auto, http1, h2c or tcp", name)
		case !ok:
			return fmt.Errorf("protocol %q is unknown: use proto=auto, http1, h2c or tcp", value)
		default:
			r.protocol = protocol
		}
	}
	switch {
	case r.appTLS && r.passthrough:
		return errors.New("tls and passthrough exclude each other: TLS ends here or it does not")
	case r.appTLS && !isLoopback(r.app):
		return errors.New("the app's certificate is not verified: with tls, use a loopback address for the app")
	}
	return nil
}

// resolveFallback gives each route its fallback.
func (c *config) resolveFallback(faults *faults) {
	fallbacks := trimmed(c.Fallback)
	if len(fallbacks) > 0 && len(fallbacks) != len(c.routes) {
		faults.add("FALLBACK", strings.Join(c.Fallback, ","),
			fmt.Sprintf("there are %d routes: name a host:port for each, in their order", len(c.routes)))
		return
	}
	for i, f := range fallbacks {
		host, port, err := net.SplitHostPort(f)
		switch {
		case err != nil || host == "" || !isPort(port) || port == "0":
			faults.add("FALLBACK", f, "use host:port, such as my-service.my-namespace:80")
		case reaches(f, c.routes[i].listen):
			faults.add("FALLBACK", f, "it leads back to the route itself: name the app's Service")
		default:
			c.routes[i].fallback = f
		}
	}
}

func parseRoute(listen, app string) (r route, err error) {
	if r.listen, err = parseAddress(listen, ""); err != nil {
		return r, err
	}
	if r.app, err = parseAddress(app, "127.0.0.1"); err != nil {
		return r, err
	}
	if _, port, _ := net.SplitHostPort(r.app); port == "0" {
		return r, fmt.Errorf("app port 0 cannot be dialled: name the port on which the app listens")
	}
	if reaches(r.app, r.listen) {
		return r, fmt.Errorf("it relays to itself: give the two sides different ports")
	}
	return r, nil
}

// parseAddress reads [host:]port. An absent host becomes the default.
func parseAddress(s, host string) (string, error) {
	port := s
	if strings.Contains(s, ":") {
		h, p, err := net.SplitHostPort(s)
		if err != nil {
			return "", fmt.Errorf("%q is not [host:]port: put an IPv6 address in brackets", s)
		}
		port = p
		if h != "" {
			host = h
		}
	}
	if !isPort(port) {
		return "", fmt.Errorf("%q is not [host:]port: use a port number from 0 to 65535", s)
	}
	return net.JoinHostPort(host, port), nil
}

// isPort tells whether s is a port number as it is usually written.
func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && strconv.FormatUint(n, 10) == s
}

// resolveAddresses checks the two other addresses, and that no two listeners want the same one.
func (c *config) resolveAddresses(faults *faults) {
	var err error
	admin, control := c.Admin, c.Control
	if c.Admin, err = parseAddress(admin, ""); err != nil {
		faults.add("ADMIN", admin, err.Error())
	}
	if c.Control, err = parseAddress(control, "127.0.0.1"); err != nil {
		faults.add("CONTROL", control, err.Error())
	} else if !isLoopback(c.Control) {
		faults.add("CONTROL", control, "whoever reaches this address can begin a drain: use a loopback address, such as 127.0.0.1:18082")
	}
	taken := make(map[string]string)
	for _, r := range c.routes {
		takeAddress(faults, taken, "ROUTES", r.listen)
	}
	takeAddress(faults, taken, "ADMIN", c.Admin)
	takeAddress(faults, taken, "CONTROL", c.Control)
	c.checkLoops(faults, taken)
}

// checkLoops finds apps that are listeners of ours.
func (c *config) checkLoops(faults *faults, taken map[string]string) {
	for _, r := range c.routes {
		for address, by := range taken {
			if reaches(r.app, address) {
				faults.add("ROUTES", r.app, fmt.Sprintf("%s%s listens at %s: name the port on which the app listens", prefix, by, address))
			}
		}
	}
}

// reaches tells whether who dials app gets to the listener.
func reaches(app, listener string) bool {
	host, _, _ := net.SplitHostPort(app)
	if listens, _, _ := net.SplitHostPort(listener); host != listens && !isLoopback(app) && !isWildcard(host) {
		return false // another host, for all we know
	}
	return sameEndpoint(app, listener)
}

// takeAddress notes that the variable's listener wants an address, and finds that another one wants it too.
func takeAddress(faults *faults, taken map[string]string, name, address string) {
	for other, by := range taken {
		if sameEndpoint(other, address) {
			faults.add(name, address, fmt.Sprintf("%s%s listens at %s already: use another port", prefix, by, other))
			return
		}
	}
	taken[address] = name
}

// sameEndpoint tells whether two host:port name one listener: the same port, on one address or on all of them.
func sameEndpoint(a, b string) bool {
	hostA, portA, _ := net.SplitHostPort(a)
	hostB, portB, _ := net.SplitHostPort(b)
	if portA != portB || portA == "0" || portA == "" {
		return false
	}
	return hostA == hostB || isWildcard(hostA) || isWildcard(hostB)
}

func isWildcard(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "" || err == nil && ip.IsUnspecified()
}

func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}
