package rollout

import (
	"sync"
	"time"
)

// What is a step of a container's end.
type What string

// The steps, in the order in which a container can go through them.
const (
	HookStarted What = "preStop started"
	HookEnded   What = "preStop ended"
	HookFailed  What = "preStop failed"
	// HookOutlasted is a hook that is no longer waited for, since the grace period is over.
	HookOutlasted What = "preStop outlasted the grace period"
	Signalled     What = "stop signal"
	Killed        What = "SIGKILL"
	Exited        What = "exited"
)

// Event is one step of one container's end.
type Event struct {
	// After is counted from the pod's t0.
	After     time.Duration
	Container string
	What      What
	// Detail is the error of a failed hook, the name of the stop signal or how the process ended.
	Detail string
}

// record gathers the events of a pod's end.
type record struct {
	start time.Time

	mu     sync.Mutex
	events []Event
}

func (r *record) note(c *container, what What, detail string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, Event{time.Since(r.start), c.Name, what, detail})
}
