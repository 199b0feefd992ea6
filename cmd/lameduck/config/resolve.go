package config

import (
	"fmt"
	"slices"
	"time"
)

// Margin is the time at the end of the grace period that Lameduck needs to close connections and to
// write the summary.
const Margin = 3 * time.Second

// A resolver compares variables with each other and fills in what follows from them.
type resolver struct {
	*Config
	variables map[string]string
	unread    Problems // of variables by themselves
	problems  Problems // all
}

func (r *resolver) resolve() {
	r.resolveRoutes()
	r.resolveHold()
	r.resolveFallback()
	r.checkTLS()
	r.checkListeners()
	r.checkObserve()
}

// problem adds a problem of a variable.
func (r *resolver) problem(name, format string, args ...any) {
	r.problems.add(name, fmt.Errorf(format, args...))
}

// valid reports whether the variables could be read. An invalid one must not cause follow-up
// problems of others.
func (r *resolver) valid(names ...string) bool {
	return !slices.ContainsFunc(r.unread, func(p Problem) bool { return slices.Contains(names, p.Variable) })
}

// value returns the value of a variable for an error.
func (r *resolver) value(name string) string {
	return show(load(r.variables)[position(name)])
}

func (r *resolver) resolveHold() {
	room := r.GracePeriod - r.AppStop - Margin
	known := r.valid("LAMEDUCK_GRACE_PERIOD", "LAMEDUCK_APP_STOP")
	if known && room <= 0 {
		r.problem("LAMEDUCK_GRACE_PERIOD",
			"must be longer than LAMEDUCK_APP_STOP (%v) + %v, or there is no time to hold, got %s",
			r.AppStop, Margin, r.value("LAMEDUCK_GRACE_PERIOD"))
		known = false
	}
	if r.HoldMax == Derived {
		r.HoldMax = max(room, 0)
	} else if known && r.HoldMax > room {
		known = false
		r.problem("LAMEDUCK_HOLD_MAX",
			"must be at most %v, which is LAMEDUCK_GRACE_PERIOD (%v) - LAMEDUCK_APP_STOP (%v) - %v, got %s",
			room, r.GracePeriod, r.AppStop, Margin, r.value("LAMEDUCK_HOLD_MAX"))
	}
	if r.LBDelay == Derived {
		r.LBDelay = r.HoldMax / 2
	}
	if r.TunnelSpread == Derived {
		r.TunnelSpread = r.HoldMax / 3 // the last ones to be closed have two thirds of the hold left
	}
	if known && r.valid("LAMEDUCK_HOLD_MAX") {
		r.fitsHold("LAMEDUCK_HOLD_MIN", r.HoldMin)
		r.fitsHold("LAMEDUCK_HOLD_QUIET", r.HoldQuiet)
		r.fitsHold("LAMEDUCK_TUNNEL_SPREAD", r.TunnelSpread)
	}
}

func (r *resolver) fitsHold(name string, d time.Duration) {
	if d <= r.HoldMax {
		return
	}
	r.problem(name, "must be at most %v, the maximum of the hold "+
		"(for a longer one raise LAMEDUCK_GRACE_PERIOD, now %v, and the pod's terminationGracePeriodSeconds), got %s",
		r.HoldMax, r.GracePeriod, r.value(name))
}

// resolveFallback gives each route its fallback.
func (r *resolver) resolveFallback() {
	if !r.valid("LAMEDUCK_ROUTES", "LAMEDUCK_FALLBACK") || len(r.fallbacks) == 0 {
		return
	}
	if len(r.fallbacks) != len(r.Routes) {
		r.problem("LAMEDUCK_FALLBACK",
			"must have one host:port for each route, in their order: there are %d routes and %d addresses",
			len(r.Routes), len(r.fallbacks))
		return
	}
	for i, f := range r.fallbacks {
		if reaches(f, r.Routes[i].Listen) {
			r.problem("LAMEDUCK_FALLBACK",
				"must be the address of the app's Service, and %s leads back to the route itself", f)
		}
		r.Routes[i].Fallback = f
	}
}

// checkTLS reports files that require others. An error does not quote their paths: a value may be
// the key itself.
func (r *resolver) checkTLS() {
	if !r.valid("LAMEDUCK_TLS_CERT", "LAMEDUCK_TLS_KEY", "LAMEDUCK_TLS_CLIENT_CA") {
		return
	}
	switch {
	case r.TLSCert == "" && r.TLSKey == "" && r.TLSClientCA == "":
	case r.TLSCert == "":
		r.problem("LAMEDUCK_TLS_CERT",
			"must be set too, or the other LAMEDUCK_TLS variables must not be set")
	case r.TLSKey == "":
		r.problem("LAMEDUCK_TLS_KEY", "must be set too: it is the private key of LAMEDUCK_TLS_CERT")
	}
	for i, route := range r.Routes {
		if route.AppTLS && r.TLSCert == "" {
			r.problem("LAMEDUCK_ROUTES",
				"route %d must not have tls unless LAMEDUCK_TLS_CERT and LAMEDUCK_TLS_KEY are set", i+1)
		}
	}
}

// A listener is an address at which Lameduck listens, and its variable.
type listener struct{ variable, address string }

// checkListeners reports listeners that collide, and apps that are listeners of Lameduck.
func (r *resolver) checkListeners() {
	var listeners []listener
	add := func(variable, address string) {
		if !r.valid(variable) {
			return
		}
		for _, other := range listeners {
			if sameEndpoint(other.address, address) {
				r.problem(variable, "must not listen at %s: %s listens at %s", address, other.variable, other.address)
				return
			}
		}
		listeners = append(listeners, listener{variable, address})
	}
	for _, route := range r.Routes {
		add("LAMEDUCK_ROUTES", route.Listen)
	}
	add("LAMEDUCK_ADMIN", r.Admin)
	add("LAMEDUCK_CONTROL", r.Control)
	for _, route := range r.Routes {
		for _, l := range listeners {
			if reaches(route.App, l.address) {
				r.problem("LAMEDUCK_ROUTES", "must not relay to %s: %s listens there", route.App, l.variable)
			}
		}
	}
}
