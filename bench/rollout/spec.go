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
	// Name tells the pod from others in errors and in the names of log files.
	Name string
	// Addr is the host:port at which the load balancer reaches the pod.
	Addr string
	// Containers are started together once the sidecars have started, and stopped together.
	Containers []Container
	// Sidecars are the native ones (init containers that are always restarted): started one after the other before
	// the containers, and sent SIGTERM in the reverse order after these have ended.
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
	// Name tells the container from the others of its pod.
	Name string
	// Path is the program to run; Args are its arguments, without the program's name.
	Path string
	Args []string
	// Env is the whole environment, as KEY=value: nothing is inherited.
	Env []string
	// PreStop is run before the process is sent its stop signal. Nil: nothing is.
	PreStop Hook
	// StopSignal asks the process to end. Zero means SIGTERM.
	StopSignal syscall.Signal
	// Startup is a URL. The container has started when a GET is answered with a status of 200 to 399. What starts after
	// a sidecar waits for that; so does the first look at Ready. Empty: it has started when its process has.
	Startup string
	// Ready is a URL. The container is ready when a GET is answered with a status of 200 to 399. Empty: it always is.
	Ready string
	// ProbeHeader is sent with both, in addition to the kubelet's own fields and, where it names one of them, instead.
	ProbeHeader http.Header
}

func (c Container) stopSignal() syscall.Signal {
	if c.StopSignal == 0 {
		return syscall.SIGTERM
	}
	return c.StopSignal
}
