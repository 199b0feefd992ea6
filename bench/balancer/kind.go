package balancer

import (
	"context"
	"slices"
	"time"

	"lameduck/bench/internal/program"
)

// A Kind is a load balancer program together with how its endpoints are changed.
type Kind string

// The kinds.
const (
	// BuiltIn is Balancer, in this process.
	BuiltIn Kind = "built-in"
	// Nginx is nginx. Each change rewrites and reloads its configuration.
	Nginx Kind = "nginx"
	// HAProxy is HAProxy. Each change uses its Runtime API.
	HAProxy Kind = "haproxy"
	// HAProxyReload is HAProxy. Each change rewrites and reloads its configuration.
	HAProxyReload Kind = "haproxy-reload"
	// Caddy is Caddy. Each change posts a new configuration to its admin API.
	Caddy Kind = "caddy"
)

// A node is one load balancer of a fleet. Add and Remove return when the change is in force.
type node interface {
	Addr() string
	Add(ctx context.Context, addr string) error
	Remove(ctx context.Context, addr string) error
	Close() error
}

// readTime is more than a load balancer needs to read a request that has been sent, or to close a
// thousand connections. At 5,000 requests a second on two busy cores, one request in a hundred
// waits 12 ms.
const readTime = 50 * time.Millisecond

// An implementation starts nodes of one kind.
type implementation struct {
	kind Kind
	// program is the program that it runs, which is also the name of its Debian package. It is
	// empty for the built-in load balancer.
	program string
	start   func(ctx context.Context, c nodeConfig) (node, error)
	// settle is how long before and after a change clients do not use their kept connections. It is
	// needed if a change closes idle connections, including those with a request that has not been
	// read yet. It is zero if a change closes none.
	settle time.Duration
}

// implementations returns all kinds in the order of the tables.
func implementations() []implementation {
	return []implementation{
		{BuiltIn, "", startBuiltIn, 0},
		{Nginx, "nginx", startNginx, readTime},
		{HAProxy, "haproxy", startHAProxy, 0},
		{HAProxyReload, "haproxy", startHAProxyReload, readTime},
		{Caddy, "caddy", startCaddy, readTime},
	}
}

// Kinds returns all kinds in the order of the tables.
func Kinds() []Kind {
	var kinds []Kind
	for _, i := range implementations() {
		kinds = append(kinds, i.kind)
	}
	return kinds
}

// implementation returns the implementation of the kind, and false if there is none.
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

// Missing returns what has to be installed before the kind can run, such as "haproxy (apt-get
// install haproxy)". It returns "" if nothing is missing.
func (k Kind) Missing() string {
	i, _ := k.implementation()
	if i.program == "" {
		return ""
	}
	if _, err := program.Find(i.program); err == nil {
		return ""
	}
	return i.program + " (apt-get install " + i.program + ")"
}
