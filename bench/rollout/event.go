package rollout

import (
	"sync"
	"time"
)

// A Step is a step in the termination of a container.
type Step string

// The steps, in the order in which a container can go through them.
const (
	HookStarted Step = "preStop started"
	HookEnded   Step = "preStop ended"
	HookFailed  Step = "preStop failed"
	// HookOutlasted is a hook that is no longer waited for, since the grace period is over.
	HookOutlasted Step = "preStop outlasted the grace period"
	Signalled     Step = "stop signal"
	Killed        Step = "SIGKILL"
	Exited        Step = "exited"
)

// An Event is one step in the termination of one container.
type Event struct {
	// After is counted from the pod's t0.
	After     time.Duration
	Container string
	Step      Step
	// Detail is the error of a failed hook, the name of the stop signal, or how the process ended.
	Detail string
}

// A record collects the events of the termination of a pod.
type record struct {
	start time.Time

	mu     sync.Mutex
	events []Event
}

func (r *record) note(c *container, step Step, detail string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, Event{time.Since(r.start), c.Name, step, detail})
}
