package rollout

import (
	"time"

	corev1 "k8s.io/api/core/v1"

	"lameduck/deploy/ctl/drain"
	"lameduck/deploy/ctl/measure"
)

// A pod records what was seen of a pod. Times that were not seen are zero.
type pod struct {
	name, node              string
	old                     bool // it was there at the start
	grace                   time.Duration
	isReady                 bool
	ready, t0               time.Time
	routed                  bool
	unrouted, stopped, gone time.Time
	containers              []measure.Container
	drain                   *drain.Summary
}

// update records what an event shows.
func (p *pod) update(seen *corev1.Pod, now time.Time, clock *Clock) {
	if seen.Spec.NodeName != "" {
		p.node = seen.Spec.NodeName
	}
	if g := seen.Spec.TerminationGracePeriodSeconds; g != nil {
		p.grace = time.Duration(*g) * time.Second
	}
	p.isReady = isReady(seen)
	if p.isReady && !p.old && p.ready.IsZero() {
		p.ready = now
	}
	if seen.DeletionTimestamp != nil && p.t0.IsZero() {
		p.t0 = deletedAt(seen, now, clock)
	}
	p.updateContainers(seen, now)
}

func isReady(p *corev1.Pod) bool {
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// deletedAt returns when the deletion was requested. The event arrives soon after, and the API
// server's own time, with a resolution of a second, bounds how much later that was.
func deletedAt(seen *corev1.Pod, now time.Time, clock *Clock) time.Time {
	var grace time.Duration
	if s := seen.DeletionGracePeriodSeconds; s != nil {
		grace = time.Duration(*s) * time.Second
	}
	_, latest, ok := clock.here(seen.DeletionTimestamp.Add(-grace))
	if ok && latest.Before(now) {
		return latest
	}
	return now
}

// updateContainers records the containers that have ended, and whether all have.
func (p *pod) updateContainers(seen *corev1.Pod, now time.Time) {
	statuses := append(append([]corev1.ContainerStatus{}, seen.Status.InitContainerStatuses...),
		seen.Status.ContainerStatuses...)
	var ended []measure.Container
	for _, s := range statuses {
		if t := s.State.Terminated; t != nil {
			ended = append(ended, measure.Container{Name: s.Name, ExitCode: int(t.ExitCode), Reason: t.Reason})
			if summary, ok := drain.ParseMessage(t.Message); ok {
				p.drain = &summary
			}
		}
	}
	if p.t0.IsZero() {
		return // init containers have ended long ago
	}
	p.containers = ended
	if len(statuses) > 0 && len(ended) == len(statuses) && p.stopped.IsZero() {
		p.stopped = now
	}
}

// route records whether an EndpointSlice has the pod as ready.
func (p *pod) route(routed bool, now time.Time) {
	if !p.gone.IsZero() {
		return // another pod has the name now, as in a StatefulSet
	}
	if p.routed && !routed && p.unrouted.IsZero() {
		p.unrouted = now
	}
	if routed {
		p.unrouted = time.Time{}
	}
	p.routed = routed
}

// report returns the pod with times since start.
func (p *pod) report(start time.Time) measure.RolloutPod {
	since := func(t time.Time) *measure.Seconds {
		if t.IsZero() {
			return nil
		}
		s := measure.Seconds(t.Sub(start))
		return &s
	}
	r := measure.RolloutPod{
		Name: p.name, Node: p.node, Ready: since(p.ready), T0: since(p.t0), Unrouted: since(p.unrouted),
		Stopped: since(p.stopped), Gone: since(p.gone), Grace: measure.Seconds(p.grace), Containers: p.containers,
	}
	if p.drain != nil && !p.t0.IsZero() {
		last := measure.Seconds(p.drain.LastRequest)
		r.LastExchange = &last
	}
	return r
}
