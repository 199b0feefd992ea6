package trial

import (
	"fmt"
	"path/filepath"
	"time"

	"lameduck/bench/internal/port"
	"lameduck/bench/rollout"
)

// grace is the termination grace period of all pods: Kubernetes' default.
const grace = 30 * time.Second

// Programs are the paths of the programs that pods are made of.
type Programs struct {
	// App is the app that nobody changed. It takes `-listen host:port` and dies on SIGTERM.
	App string
	// Lameduck is needed by NativeSidecar only.
	Lameduck string
}

// Strategy is a way for a pod to end.
type Strategy struct {
	// Name is shown in tables.
	Name string
	// Ending is about how long a pod of this strategy takes to end when the load balancer has the given lag. It
	// serves only to foretell how long a trial takes.
	Ending func(lag time.Duration) time.Duration

	pod func(b builder) (rollout.Spec, error)
}

// builder holds what strategies make their pods of.
type builder struct {
	programs Programs
	ports    *port.Picker
	logs     string
	name     string // of the pod
}

// Bare does nothing about the end: SIGTERM comes at once, and the app dies of it.
func Bare() Strategy {
	return Strategy{
		Name:   "bare",
		Ending: func(time.Duration) time.Duration { return 0 },
		pod:    func(b builder) (rollout.Spec, error) { return b.single(nil) },
	}
}

// PreStopSleep lets the kubelet wait for a fixed time before SIGTERM.
func PreStopSleep(d time.Duration) Strategy {
	return Strategy{
		Name:   fmt.Sprintf("preStop sleep %v", d),
		Ending: func(time.Duration) time.Duration { return d },
		pod:    func(b builder) (rollout.Spec, error) { return b.single(rollout.Sleep(d)) },
	}
}

// Hold is how Lameduck is told to hold the app: at least for Min, and until every source has been silent for at
// least Quiet.
type Hold struct{ Min, Quiet time.Duration }

// NativeSidecar puts Lameduck in front of the app, as a native sidecar.
func NativeSidecar(h Hold) Strategy {
	return Strategy{
		Name:   "lameduck",
		Ending: func(lag time.Duration) time.Duration { return max(h.Min, lag+h.Quiet) },
		pod:    func(b builder) (rollout.Spec, error) { return b.withSidecar(h) },
	}
}

// single returns a pod with the app alone.
func (b builder) single(preStop rollout.Hook) (rollout.Spec, error) {
	addr, err := b.ports.Addr()
	if err != nil {
		return rollout.Spec{}, err
	}
	return rollout.Spec{Name: b.name, Addr: addr, Grace: grace, Containers: []rollout.Container{b.app(addr, preStop)}}, nil
}

func (b builder) app(addr string, preStop rollout.Hook) rollout.Container {
	return rollout.Container{
		Name:    "app",
		Path:    b.programs.App,
		Args:    []string{"-listen", addr},
		PreStop: preStop,
		Ready:   "http://" + addr + "/",
	}
}

// withSidecar returns a pod in which the load balancer reaches the app through Lameduck.
func (b builder) withSidecar(h Hold) (rollout.Spec, error) {
	var a [4]string
	for i := range a {
		addr, err := b.ports.Addr()
		if err != nil {
			return rollout.Spec{}, err
		}
		a[i] = addr
	}
	traffic, app, admin, control := a[0], a[1], a[2], a[3]
	sidecar := rollout.Container{
		Name: "lameduck",
		Path: b.programs.Lameduck,
		Args: []string{"serve"},
		Env: []string{
			"LAMEDUCK_ROUTES=" + traffic + "=" + app,
			"LAMEDUCK_ADMIN=" + admin,
			"LAMEDUCK_CONTROL=" + control,
			"LAMEDUCK_HOLD_MIN=" + h.Min.String(),
			"LAMEDUCK_HOLD_QUIET=" + h.Quiet.String(),
			"LAMEDUCK_GRACE_PERIOD=" + grace.String(),
			"LAMEDUCK_TERMINATION_LOG=" + b.terminationLog(),
		},
		PreStop: rollout.Exec{Path: b.programs.Lameduck, Args: []string{"drain"}},
		Startup: "http://" + admin + "/livez",
		Ready:   "http://" + admin + "/readyz",
	}
	return rollout.Spec{
		Name:       b.name,
		Addr:       traffic,
		Grace:      grace,
		Sidecars:   []rollout.Container{sidecar},
		Containers: []rollout.Container{b.app(app, rollout.HTTPGet{URL: "http://" + admin + "/hold"})},
	}, nil
}

func (b builder) terminationLog() string {
	if b.logs == "" {
		return "/dev/null"
	}
	return filepath.Join(b.logs, b.name+"-termination.log")
}
