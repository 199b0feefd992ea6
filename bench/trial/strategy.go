package trial

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"lameduck/bench/port"
	"lameduck/bench/rollout"
)

// Programs are the paths of the programs in pods that are built from source. A path is empty if the
// program has not been built.
type Programs struct {
	// App is bench/app, the program of every app except Node.
	App string
	// Lameduck is needed by NativeSidecar, PlainContainer and Wrapper.
	Lameduck string
	// Traefik and QueueProxy are needed by TraefikSidecar and QueueProxy. They are built by package
	// peers.
	Traefik, QueueProxy string
}

// A Strategy is how a pod terminates.
type Strategy struct {
	// Name is shown in tables.
	Name string
	// Ending estimates how long a pod takes to terminate if the load balancer has the given lag. It
	// is used only to estimate how long a trial takes.
	Ending func(lag time.Duration) time.Duration

	missing func(Programs) string // nil if it needs only the app
	pod     func(b builder) (rollout.Spec, error)
}

// Missing returns the program that the strategy needs and that is not installed, with how to get
// it, or "". It does not consider the app, see App.Missing.
func (s Strategy) Missing(p Programs) string {
	if s.missing == nil {
		return ""
	}
	return s.missing(p)
}

// A builder has what a strategy needs to create a pod.
type builder struct {
	application App
	programs    Programs
	grace       time.Duration // the pod's termination grace period
	logs        string        // directory of the files of the pod's programs
	name        string        // of the pod
}

// addrs returns n different addresses.
func (b builder) addrs(n int) ([]string, error) {
	addrs := make([]string, n)
	for i := range addrs {
		addr, err := port.Addr()
		if err != nil {
			return nil, err
		}
		addrs[i] = addr
	}
	return addrs, nil
}

// file returns the path of a file of the pod.
func (b builder) file(name string) string { return filepath.Join(b.logs, b.name+"-"+name) }

// terminationLog returns the path of the pod's termination message.
func (b builder) terminationLog() string { return b.file("termination.log") }

// spec returns a pod that has its address but no containers yet.
func (b builder) spec(addr string) rollout.Spec {
	return rollout.Spec{Name: b.name, Addr: addr, Grace: b.grace}
}

// portOf returns the port of a host:port.
func portOf(addr string) string { return addr[strings.LastIndexByte(addr, ':')+1:] }

// built returns "" if the program has been built, and else its name with how to build it.
func built(path, name, remedy string) string {
	if path != "" {
		return ""
	}
	return fmt.Sprintf("%s (%s)", name, remedy)
}
