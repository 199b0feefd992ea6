package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

const anAddress = "[host:]port with a port number from 0 to 65535 and IPv6 addresses in brackets"

// address returns a setter for [host:]port. A missing host becomes the default.
func address(field func(*Config) *string, host string) setter {
	return func(c *Config, value string) error {
		a, ok := parseAddress(value, host)
		if !ok {
			return mustBe(anAddress, value)
		}
		*field(c) = a
		return nil
	}
}

func setControl(c *Config, value string) error {
	err := address(func(c *Config) *string { return &c.Control }, "127.0.0.1")(c, value)
	if err == nil && !isLoopback(c.Control) {
		// Every program that can connect to it can begin a drain.
		return mustBe("a loopback address (for example 127.0.0.1:18082)", value)
	}
	return err
}

func setFallback(c *Config, value string) error {
	var errs []error
	c.fallbacks = nil
	for i, f := range members(value) {
		host, port, err := net.SplitHostPort(f)
		if err != nil || host == "" || !isHost(host) || !isPort(port) || port == "0" {
			errs = append(errs, fmt.Errorf(
				"must be host:port (for example my-service.my-namespace:80), address %d is not", i+1))
			continue
		}
		c.fallbacks = append(c.fallbacks, f)
	}
	return errors.Join(errs...)
}

// parseAddress reads [host:]port and returns host:port.
func parseAddress(s, host string) (address string, ok bool) {
	port := s
	if strings.Contains(s, ":") {
		h, p, err := net.SplitHostPort(s)
		if err != nil {
			return "", false
		}
		port = p
		if h != "" {
			host = h
		}
	}
	return net.JoinHostPort(host, port), isPort(port) && isHost(host)
}

// isPort reports whether s is a port number as it is usually written.
func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && strconv.FormatUint(n, 10) == s
}

// hostName does not limit the length, because that repetition would take 160 KB of memory. It is
// compiled on first use, since most configurations contain only addresses.
var hostName = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_.])?$`)
})

const maxHostName = 253 // bytes: RFC 1035, section 2.3.4, without the length bytes at both ends

// isHost reports whether s is an IP address or a name that can be resolved, or empty.
func isHost(s string) bool {
	_, err := netip.ParseAddr(s)
	return s == "" || err == nil || len(s) <= maxHostName && hostName().MatchString(s)
}

// sameEndpoint reports whether two host:port addresses collide: they have the same port, and the
// same host or an unspecified one.
func sameEndpoint(a, b string) bool {
	hostA, portA, _ := net.SplitHostPort(a)
	hostB, portB, _ := net.SplitHostPort(b)
	return portA == portB && portA != "0" && portA != "" && meet(hostA, hostB)
}

// meet reports whether two hosts have an address in common, as far as that is known without a
// resolver.
func meet(a, b string) bool {
	if isWildcard(a) || isWildcard(b) || strings.EqualFold(a, b) {
		return true
	}
	if isLocalhost(a) || isLocalhost(b) {
		return namesLoopback(a) && namesLoopback(b)
	}
	ipA, errA := netip.ParseAddr(a)
	ipB, errB := netip.ParseAddr(b)
	return errA == nil && errB == nil && ipA.Unmap() == ipB.Unmap()
}

// reaches reports whether a connection to app arrives at the listener.
func reaches(app, listener string) bool {
	host, _, _ := net.SplitHostPort(app)
	bound, _, _ := net.SplitHostPort(listener)
	if isWildcard(bound) && !isWildcard(host) && !isLocalhost(host) && !isLoopback(app) {
		return false // another host, as far as is known
	}
	return sameEndpoint(app, listener)
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

// isLocalhost reports whether a host is a name of the loopback interface: localhost or a name below
// it (RFC 6761, section 6.3), or one that Kubernetes and Debian write to /etc/hosts.
func isLocalhost(host string) bool {
	switch name := strings.ToLower(strings.TrimSuffix(host, ".")); name {
	case "localhost", "ip6-localhost", "ip6-loopback":
		return true
	default:
		return strings.HasSuffix(name, ".localhost")
	}
}

// namesLoopback reports whether a host is localhost or one of its two addresses.
func namesLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return isLocalhost(host)
	}
	return ip.Unmap() == netip.AddrFrom4([4]byte{127, 0, 0, 1}) || ip == netip.IPv6Loopback()
}
