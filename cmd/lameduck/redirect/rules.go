package redirect

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Rules are the redirects of a pod.
type Rules struct {
	Ports  []Redirect // from the app's ports to those of the relay
	Direct []Redirect // from ports of their own to the app's, around the relay
	Mesh   *uint32    // the user id of a mesh's proxy, or nil if there is no mesh
}

// A Redirect leads from one port to another.
type Redirect struct{ From, To uint16 }

// String returns the redirect as on the command line.
func (r Redirect) String() string { return fmt.Sprintf("%d=%d", r.From, r.To) }

// ErrUsage is an error in the arguments.
var ErrUsage = errors.New("lameduck redirect APP=RELAY... [--direct PORT=APP]... [--behind-mesh UID]")

// Parse reads the arguments of the subcommand: 8080=18080 [9090=18090 ...] [--direct 18091=8080] ...
func Parse(args []string) (Rules, error) {
	var rules Rules
	for len(args) > 0 {
		option, value, rest, err := next(args)
		if err == nil {
			err = rules.set(option, value)
		}
		if err != nil {
			return Rules{}, err
		}
		args = rest
	}
	return rules, rules.check()
}

// next returns the first option with its value. The option is empty if the value is a redirect.
func next(args []string) (option, value string, rest []string, err error) {
	first, rest := args[0], args[1:]
	if !strings.HasPrefix(first, "-") {
		return "", first, rest, nil
	}
	option, value, hasValue := strings.Cut(strings.TrimPrefix(first[1:], "-"), "=")
	if option != "direct" && option != "behind-mesh" {
		return "", "", nil, fmt.Errorf("unexpected argument %q: use %w", first, ErrUsage)
	}
	if !hasValue {
		if len(rest) == 0 {
			return "", "", nil, fmt.Errorf("%s needs a value: use %w", first, ErrUsage)
		}
		value, rest = rest[0], rest[1:]
	}
	return option, value, rest, nil
}

// set takes the value of one option.
func (r *Rules) set(option, value string) error {
	if option == "behind-mesh" {
		id, err := strconv.ParseUint(value, 10, 32)
		if err != nil || id == 0 {
			return fmt.Errorf("--behind-mesh: must be the user id of the mesh's proxy "+
				"(for example 1337 for Istio, 2102 for Linkerd), got %q", value)
		}
		mesh := uint32(id)
		r.Mesh = &mesh
		return nil
	}
	redirect, err := parseRedirect(value)
	switch {
	case err != nil:
		return err
	case option == "direct":
		r.Direct = append(r.Direct, redirect)
	default:
		r.Ports = append(r.Ports, redirect)
	}
	return nil
}

func parseRedirect(text string) (r Redirect, err error) {
	from, to, _ := strings.Cut(text, "=")
	var ok, alsoOK bool
	r.From, ok = parsePort(from)
	r.To, alsoOK = parsePort(to)
	if !ok || !alsoOK {
		return r, fmt.Errorf("must be FROM=TO with port numbers from 1 to 65535 "+
			"(for example 8080=18080), got %q", text)
	}
	return r, nil
}

func parsePort(text string) (port uint16, ok bool) {
	n, err := strconv.ParseUint(text, 10, 16)
	return uint16(n), err == nil && n > 0
}

// check returns an error if redirects contradict each other.
func (r *Rules) check() error {
	if len(r.Ports) == 0 {
		return fmt.Errorf("nothing to redirect: use %w", ErrUsage)
	}
	app, relay := make(map[uint16]bool), make(map[uint16]bool)
	for _, p := range r.Ports {
		switch {
		case app[p.From]:
			return fmt.Errorf("port %d is redirected twice", p.From)
		case relay[p.To]:
			return fmt.Errorf("port %d is the relay's for two ports, but a route leads to one", p.To)
		}
		app[p.From], relay[p.To] = true, true
	}
	for _, p := range r.Ports {
		if relay[p.From] {
			return fmt.Errorf("port %d cannot be both the app's and the relay's", p.From)
		}
	}
	return r.checkDirect(app, relay)
}

// checkDirect returns an error if a --direct does not lead around the relay.
func (r *Rules) checkDirect(app, relay map[uint16]bool) error {
	direct := make(map[uint16]bool)
	for _, p := range r.Direct {
		switch {
		case app[p.From] || relay[p.From]:
			return fmt.Errorf("--direct %v: port %d is used already: choose a free one", p, p.From)
		case direct[p.From]:
			return fmt.Errorf("--direct %v: port %d leads to two ports: choose a free one", p, p.From)
		case !app[p.To]:
			return fmt.Errorf("--direct %v: port %d is not redirected, and needs no way around", p, p.To)
		}
		direct[p.From] = true
	}
	return nil
}
