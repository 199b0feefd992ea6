package balancer

import (
	"context"
	"os/exec"
	"slices"
	"time"
)

// Kind is a load balancer, together with the way in which it learns of its endpoints.
type Kind string

// The kinds.
const (
	// BuiltIn is Balancer, in this process.
	BuiltIn Kind = "built-in"
	// Nginx is nginx, whose configuration is written anew and reloaded for each change.
	Nginx Kind = "nginx"
	// HAProxy is HAProxy, told of each change by its Runtime API.
	HAProxy Kind = "haproxy"
	// HAProxyReload is HAProxy, whose configuration is written anew and reloaded for each change.
	HAProxyReload Kind = "haproxy-reload"
	// Caddy is Caddy, told of each change by its admin API.
	Caddy Kind = "caddy"
)

// node is one load balancer of a fleet. Add and Remove return when it acts accordingly.
type node interface {
	Addr() string
	Add(ctx context.Context, addr string) error
	Remove(ctx context.Context, addr string) error
	Close() error
}

// reading is more than a load balancer needs to read a request that has been sent, or to close a thousand connections. At 5,000
// requests a second on two busy cores one of a hundred waits 12 ms.
const reading = 50 * time.Millisecond

// implementation is how a kind is made.
type implementation struct {
	kind Kind
	// program is what it runs, from the Debian package of that name. Empty: nothing.
	program string
	start   func(ctx context.Context, c nodeConfig) (node, error)
	// settle is how long before a change, and after it, its clients do not use their kept connections: it closes the idle ones, and
	// takes one for idle whose next request it has not read yet. Zero: it closes none.
	settle time.Duration
}

// implementations is every kind, in the order in which tables show them.
func implementations() []implementation {
	return []implementation{
		{BuiltIn, "", startBuiltIn, 0},
		{Nginx, "nginx", startNginx, reading},
		{HAProxy, "haproxy", startHAProxy, 0},
		{HAProxyReload, "haproxy", startHAProxyReload, reading},
		{Caddy, "caddy", startCaddy, reading},
	}
}

// Kinds returns every kind, in the order in which tables show them.
func Kinds() []Kind {
	var kinds []Kind
	for _, i := range implementations() {
		kinds = append(kinds, i.kind)
	}
	return kinds
}

// implementation returns how the kind is made, and false where there is no such kind.
func (k Kind) implementation() (implementation, bool) {
	all := implementations()
	if k == "" {
		k = BuiltIn
	}
	i := slices.IndexFunc(all, func(i implementation) bool { return i.kind == k })
	if i < 0 {
		return implementation{}, false
	}
	return all[i], true
}

// Missing returns what has to be installed before the kind can run here, such as
// "haproxy (apt-get install haproxy)", and nothing where it can run.
func (k Kind) Missing() string {
	i, _ := k.implementation()
	if i.program == "" {
		return ""
	}
	if _, err := exec.LookPath(i.program); err == nil {
		return ""
	}
	return i.program + " (apt-get install " + i.program + ")"
}
