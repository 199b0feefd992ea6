package measure

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"lameduck/lifecycle/plural"
)

// A Rollout is what happened to the pods of a workload during the load. Times are from the start of
// the load, on the clock of this machine.
type Rollout struct {
	Workload string `json:"workload"` // such as deployment/shop
	Action   string `json:"action"`   // such as restart
	// Replicas is how many pods the workload should have had at the start.
	Replicas int `json:"replicas,omitempty"`
	// Began is when the action was made. It is absent if the rollout was only watched.
	Began *Seconds `json:"began,omitempty"`
	// Complete reports whether every pod that was to be replaced has ended, and its successor is
	// ready.
	Complete bool `json:"complete"`
	// ClockSkew is how far the clock of the API server is ahead of this machine's, and ClockError how
	// wrong that can be. They are absent if the API server did not state its time.
	ClockSkew  *Millis `json:"clock_skew_ms,omitempty"`
	ClockError *Millis `json:"clock_error_ms,omitempty"`
	// Pods are those that began or ended, in the order in which they began to end.
	Pods []RolloutPod `json:"pods"`
}

// A RolloutPod is a pod that began or ended during the load. Times that were not seen are absent.
type RolloutPod struct {
	Name string `json:"name"`
	Node string `json:"node,omitempty"`
	// Ready is when a new pod became ready.
	Ready *Seconds `json:"ready,omitempty"`
	// T0 is when the deletion was requested.
	T0 *Seconds `json:"t0,omitempty"`
	// Unrouted is when no EndpointSlice had the pod as ready any more. Load balancers learn it later.
	Unrouted *Seconds `json:"unrouted,omitempty"`
	// Stopped is when all containers had ended, and Gone when the pod was deleted.
	Stopped *Seconds `json:"stopped,omitempty"`
	Gone    *Seconds `json:"gone,omitempty"`
	// Grace is the termination grace period.
	Grace      Seconds     `json:"grace_seconds"`
	Containers []Container `json:"containers,omitempty"`
	Events     []string    `json:"events,omitempty"` // about hooks and the end of the pod
	// Lost is how many requests were lost that were in flight at T0, or due from then on until the
	// load balancer stopped routing to the pod. If several pods end at once, the lost requests count
	// for each of them.
	Lost int `json:"lost"`
	// Delay is how long the load balancer kept routing to the pod after T0, and DelaySource the
	// evidence for it. If DelayBound is "at least", the pod had ended before the load balancer
	// stopped.
	Delay       *Seconds `json:"delay,omitempty"`
	DelayBound  string   `json:"delay_bound,omitempty"`
	DelaySource string   `json:"delay_source,omitempty"`
	// LastExchange is the last request after T0 by Lameduck's own count, if the pod has a Lameduck.
	LastExchange *Seconds `json:"lameduck_last_exchange,omitempty"`
}

// A Container is a container of a pod that has ended.
type Container struct {
	Name     string `json:"name"`
	ExitCode int    `json:"exit_code"`
	Reason   string `json:"reason,omitempty"`
}

// The bounds of a Delay.
const (
	exactly = "measured"
	atLeast = "at least"
)

// longestDelay returns the longest delay of the pods and its bound.
func (r *Rollout) longestDelay() (delay Seconds, bound string) {
	for _, p := range r.Pods {
		if p.Delay != nil && (*p.Delay > delay || bound == "") {
			delay, bound = *p.Delay, p.DelayBound
		}
	}
	return delay, bound
}

// Advice returns sentences about what would have been enough.
func (p *Report) Advice() []string {
	if p.Rollout == nil {
		return nil
	}
	delay, bound := p.Rollout.longestDelay()
	if bound == "" {
		if p.Lost == 0 && len(p.Rollout.Pods) > 0 {
			return []string{"Nothing was lost. The load balancer's delay is unknown, as no response named its pod " +
				"(--pod-header)."}
		}
		return nil
	}
	pods, lameducks := 0, 0
	for _, pod := range p.Rollout.Pods {
		if pod.T0 != nil {
			pods++
		}
		if pod.LastExchange != nil {
			lameducks++
		}
	}
	seconds := int((time.Duration(delay) + 1999*time.Millisecond) / time.Second) // rounded up, and a second
	cost := time.Duration(seconds*pods) * time.Second
	word, enough := "The load balancer routed to a terminating pod for up to", "would have covered new connections, at"
	if bound == atLeast {
		word, enough = "The load balancer routed to a terminating pod for at least", "is worth a try, at"
	}
	advice := []string{
		fmt.Sprintf("%s %.1f s after its deletion.", word, time.Duration(delay).Seconds()),
		fmt.Sprintf("A preStop sleep of %d s %s the cost of %v for %s%s. Kept connections "+
			"fail when the pod closes them, whatever the sleep.", seconds, enough, cost, plural.Count(pods, "pod"),
			plural.Pick(pods, "", " one after the other")),
	}
	if lameducks > 0 {
		return advice
	}
	return append(advice, fmt.Sprintf("With Lameduck: the annotation lameduck.dev/lb-delay: %ds, and a "+
		"terminationGracePeriodSeconds of at least %d. Each pod then ends as soon as its traffic has.", seconds, seconds+38))
}

// Sort sorts the pods by the time at which they began to end. New ones are at the end, by readiness.
func (r *Rollout) Sort() {
	const never = Seconds(1<<63 - 1)
	key := func(t *Seconds) Seconds {
		if t == nil {
			return never
		}
		return *t
	}
	slices.SortStableFunc(r.Pods, func(a, b RolloutPod) int {
		return cmp.Or(cmp.Compare(key(a.T0), key(b.T0)), cmp.Compare(key(a.Ready), key(b.Ready)),
			cmp.Compare(a.Name, b.Name))
	})
}

func (r *Rollout) redact(pods *alias) {
	r.Workload = "redacted"
	nodes := alias{prefix: "node"}
	for i := range r.Pods {
		p := &r.Pods[i]
		p.Name, p.Node, p.Events = pods.of(p.Name), nodes.of(p.Node), nil
		for j := range p.Containers {
			p.Containers[j].Name = fmt.Sprintf("container-%d", j+1)
		}
	}
}
