package rollout

import (
	"net/http"
	"syscall"
	"time"
)

// defaultGrace is Kubernetes' default of terminationGracePeriodSeconds.
const defaultGrace = 30 * time.Second

// Spec describes a pod.
type Spec struct {
	// Name identifies the pod in errors and in the names of log files.
	Name string
	// Addr is the host:port at which the load balancer reaches the pod.
	Addr string
	// Containers are started together after the sidecars, and stopped together.
	Containers []Container
	// Sidecars are native sidecars (init containers with restartPolicy Always). They are started
	// one after the other before the containers, and stopped in reverse order after the containers
	// have ended.
	Sidecars []Container
	// Grace is the termination grace period. Zero or less means 30 s.
	Grace time.Duration
}

func (s Spec) grace() time.Duration {
	if s.Grace <= 0 {
		return defaultGrace
	}
	return s.Grace
}

// Container describes one process of a pod.
type Container struct {
	// Name identifies the container in its pod.
	Name string
	// Path is the program to run. Args are its arguments, without the program's name.
	Path string
	Args []string
	// Env is the whole environment, as KEY=value. Nothing is inherited.
	Env []string
	// PreStop runs before the stop signal is sent. It may be nil.
	PreStop Hook
	// StopSignal is the stop signal. The default is SIGTERM.
	StopSignal syscall.Signal
	// Startup is the URL of the startup probe, which succeeds with a status from 200 to 399. The
	// next container and the readiness probe wait for it. If it is empty, the container has started
	// when its process has.
	Startup string
	// Ready is the URL of the readiness probe, which succeeds with a status from 200 to 399. If it
	// is empty, the container is always ready.
	Ready string
	// ProbeHeader is sent with both probes. It takes precedence over the kubelet's own fields.
	ProbeHeader http.Header
}

func (c Container) stopSignal() syscall.Signal {
	if c.StopSignal == 0 {
		return syscall.SIGTERM
	}
	return c.StopSignal
}
