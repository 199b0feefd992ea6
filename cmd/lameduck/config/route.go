package config

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
)

// A Protocol is the protocol of a route.
type Protocol string

// The protocols, as in LAMEDUCK_ROUTES.
const (
	Auto  Protocol = "auto" // detected from the first bytes
	HTTP1 Protocol = "http1"
	H2C   Protocol = "h2c" // HTTP/2 without TLS
	TCP   Protocol = "tcp"
)

// A Route is a listener and its app.
type Route struct {
	Listen, App   string // host:port; App is empty with Takeover
	AnyHost       bool   // App has no host: it is at 127.0.0.1, or where the port's listener is
	Takeover      bool   // the app is a child whose bind of the listener's port is moved
	Protocol      Protocol
	ProxyProtocol bool   // clients send a PROXY protocol header, which is passed to the app
	Passthrough   bool   // TLS is not terminated
	AppTLS        bool   // traffic is re-encrypted to the app
	Fallback      string // host:port, or empty
}

// Ports returns the numbers of the two ports. That of the app is 0 if it is taken over.
func (r Route) Ports() (listen, app uint16) { return portOf(r.Listen), portOf(r.App) }

func portOf(address string) uint16 {
	_, port, _ := net.SplitHostPort(address)
	n, _ := strconv.ParseUint(port, 10, 16)
	return uint16(n)
}

// takeover stands for the app's address in a route whose port is taken over.
const takeover = "takeover"

// String returns the addresses of the route.
func (r Route) String() string {
	if r.Takeover {
		return r.Listen + "=" + takeover
	}
	return r.Listen + "=" + r.App
}

func setRoutes(c *Config, value string) error {
	var errs []error
	c.Routes = nil
	for i, text := range strings.Split(value, ",") {
		r, err := ParseRoute(text)
		if err != nil {
			errs = append(errs, fmt.Errorf("route %d %w", i+1, err))
			continue
		}
		c.Routes = append(c.Routes, r)
	}
	return errors.Join(errs...)
}

// ParseRoute reads one route of LAMEDUCK_ROUTES. The error does not quote it, since it may be a URL
// with credentials.
func ParseRoute(text string) (Route, error) {
	addresses, options, hasOptions := strings.Cut(strings.TrimSpace(text), ";")
	listen, app, ok := strings.Cut(addresses, "=")
	if !ok {
		return Route{}, errors.New("must be listen=app, each [host:]port (for example 18080=8080), or listen=takeover")
	}
	r := Route{Protocol: Auto}
	if r.Listen, ok = parseAddress(strings.TrimSpace(listen), ""); !ok {
		return Route{}, errors.New("must have a listen address of the form " + anAddress)
	}
	if app = strings.TrimSpace(app); app == takeover {
		r.Takeover = true
	} else if r.App, ok = parseAddress(app, "127.0.0.1"); !ok {
		return Route{}, errors.New("must have an app address of the form " + anAddress)
	}
	r.AnyHost = r.App != "" && !strings.Contains(strings.TrimPrefix(app, ":"), ":")
	if hasOptions {
		if err := r.parseOptions(options); err != nil {
			return Route{}, err
		}
	}
	return r, r.check()
}

// parseOptions reads what follows the addresses, separated by semicolons.
func (r *Route) parseOptions(options string) error {
	for option := range strings.SplitSeq(options, ";") {
		switch strings.TrimSpace(option) {
		case "proxy":
			r.ProxyProtocol = true
		case "passthrough":
			r.Passthrough = true
		case "tls":
			r.AppTLS = true
		case "proto=auto":
			r.Protocol = Auto
		case "proto=http1":
			r.Protocol = HTTP1
		case "proto=h2c":
			r.Protocol = H2C
		case "proto=tcp":
			r.Protocol = TCP
		default:
			return errors.New("must have no options but proto=auto, proto=http1, proto=h2c, proto=tcp, " +
				"proxy, passthrough and tls")
		}
	}
	return nil
}

func (r *Route) check() error {
	switch {
	case r.Takeover && portOf(r.Listen) == 0:
		return errors.New("must have the port that the app binds, not 0, before =takeover")
	case r.AppTLS && r.Passthrough:
		return errors.New("must have one of tls and passthrough, not both")
	case r.Takeover:
		return nil // the app is on the loopback interface
	case portOf(r.App) == 0:
		return errors.New("must have the port on which the app listens, not 0")
	case reaches(r.App, r.Listen):
		return errors.New("must have different ports for listen and app: it relays to itself")
	case r.AppTLS && !isLoopback(r.App):
		return errors.New("must have a loopback address for the app with tls, " +
			"since its certificate is not verified")
	}
	return nil
}
