package trial

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"lameduck/bench/internal/port"
	"lameduck/bench/rollout"
)

// Programs are the paths of the programs that pods are made of and that are built here. Empty: not built.
type Programs struct {
	// App is bench/app, which every app is but Node.
	App string
	// Lameduck is needed by NativeSidecar, PlainContainer and Wrapper.
	Lameduck string
	// Traefik and QueueProxy are needed by TraefikSidecar and QueueProxy. Package peers builds them.
	Traefik, QueueProxy string
}

// Strategy is a way for a pod to end.
type Strategy struct {
	// Name is shown in tables.
	Name string
	// Ending is about how long a pod of this strategy takes to end when the load balancer has the given lag. It
	// serves only to foretell how long a trial takes.
	Ending func(lag time.Duration) time.Duration

	missing func(Programs) string // nil: it needs nothing but the app
	pod     func(b builder) (rollout.Spec, error)
}

// Missing returns nothing when the strategy can be tried here, and else one line that names what it lacks and says how
// to get that. What the app lacks, App.Missing tells.
func (s Strategy) Missing(p Programs) string {
	if s.missing == nil {
		return ""
	}
	return s.missing(p)
}

// builder holds what strategies make their pods of.
type builder struct {
	shape    App
	programs Programs
	ports    *port.Picker
	grace    time.Duration // the pod's termination grace period
	logs     string        // directory for what the pod's programs read and write
	name     string        // of the pod
}

// addrs returns so many addresses, no two of them the same.
func (b builder) addrs(n int) ([]string, error) {
	addrs := make([]string, n)
	for i := range addrs {
		addr, err := b.ports.Addr()
		if err != nil {
			return nil, err
		}
		addrs[i] = addr
	}
	return addrs, nil
}

// file returns the path of a file of the pod's own.
func (b builder) file(name string) string { return filepath.Join(b.logs, b.name+"-"+name) }

// terminationLog returns the path of the pod's termination message.
func (b builder) terminationLog() string { return b.file("termination.log") }

// spec returns a pod that has its address but no containers yet.
func (b builder) spec(addr string) rollout.Spec {
	return rollout.Spec{Name: b.name, Addr: addr, Grace: b.grace}
}

// portOf returns the port of a host:port.
func portOf(addr string) string { return addr[strings.LastIndexByte(addr, ':')+1:] }

// built says how to get a program that has not been built.
func built(path, name, remedy string) string {
	if path != "" {
		return ""
	}
	return fmt.Sprintf("%s (%s)", name, remedy)
}
