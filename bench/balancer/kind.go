package balancer

import (
	"context"
	"os/exec"
	"slices"
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

// implementation is how a kind is made.
type implementation struct {
	kind Kind
	// program is what it runs, from the Debian package of that name. Empty: nothing.
	program string
	start   func(ctx context.Context, c nodeConfig) (node, error)
}

// implementations is every kind, in the order in which tables show them.
func implementations() []implementation {
	return []implementation{
		{BuiltIn, "", startBuiltIn},
		{Nginx, "nginx", startNginx},
		{HAProxy, "haproxy", startHAProxy},
		{HAProxyReload, "haproxy", startHAProxyReload},
		{Caddy, "caddy", startCaddy},
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
