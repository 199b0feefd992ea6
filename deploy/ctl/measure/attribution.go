package measure

import (
	"cmp"
	"time"
)

// SetRollout adds a rollout to the report and attributes the lost requests to its pods.
func (p *Report) SetRollout(r *Rollout) {
	p.Rollout = r
	for i := range r.Pods {
		if r.Pods[i].T0 != nil {
			p.attribute(&r.Pods[i])
		}
	}
}

// attribute counts the requests that were lost because a pod ended, and determines how long the load
// balancer routed to it.
func (p *Report) attribute(pod *RolloutPod) {
	silence := p.silence()
	lost := p.lostTo(pod, silence)
	pod.Lost = len(lost)
	next := p.Rollout.nextT0(*pod.T0)
	last, own := (*Seconds)(nil), true
	for i := range lost {
		if lost[i] < *pod.T0 {
			continue // it shows nothing about the time after
		}
		if own = next == nil || lost[i] < *next; !own {
			break // the next pod may have lost this and all later ones
		}
		last = &lost[i]
	}
	over := own && p.Seconds-*pod.T0 >= silence && (last == nil || p.Seconds-*last >= silence)
	pod.setDelay(p.lastAnswer(pod.Name), last, over, silence)
}

// lostTo returns the due times of the requests that were lost because a pod ended: those in flight at
// T0, those from T0 until it had stopped, and those after that until the load balancer stopped
// routing to it. If several pods end at once, the lost requests count for each of them, since few
// failures name their pod.
func (p *Report) lostTo(pod *RolloutPod, silence Seconds) []Seconds {
	var lost []Seconds
	end := *pod.T0
	if stop := cmp.Or(pod.Stopped, pod.Gone); stop != nil {
		end = max(end, *stop)
	} else {
		end = p.Seconds // it goes on
	}
	for _, f := range p.Failures {
		if f.At > end+silence {
			break
		}
		if f.At+f.Took < *pod.T0 || f.Pod != "" && f.Pod != pod.Name {
			continue
		}
		lost = append(lost, f.At)
		end = max(end, f.At)
	}
	return lost
}

// nextT0 returns when the next pod began to end after a time, or nil if none did.
func (r *Rollout) nextT0(t0 Seconds) *Seconds {
	var next *Seconds
	for i := range r.Pods {
		if at := r.Pods[i].T0; at != nil && *at > t0 && (next == nil || *at < *next) {
			next = at
		}
	}
	return next
}

// silenceGaps is how many times the mean gap between the requests to a pod is silence. With a load
// balancer that chooses pods at random, one gap in 3,000 is longer.
const silenceGaps = 8

// silence is how long a pod must get no request, to show that the load balancer has stopped routing
// to it.
func (p *Report) silence() Seconds {
	pods := max(len(p.Pods), p.Rollout.Replicas, 1)
	gap := Seconds(float64(time.Second) * float64(pods) / max(p.Settings.Rate, 0.001))
	return max(silenceGaps*gap, Seconds(time.Second))
}

// lastAnswer returns when the last request was sent that a pod has answered, or nil.
func (p *Report) lastAnswer(name string) *Seconds {
	for i := range p.Pods {
		if p.Pods[i].Name == name {
			return &p.Pods[i].Last
		}
	}
	return nil
}

// setDelay determines the delay from the best evidence: the pod's own Lameduck, which sees all
// requests, else the answers to this load, else the failures. over reports whether no request was
// lost for a while after the last one that was lost to this pod alone.
func (r *RolloutPod) setDelay(answered, lost *Seconds, over bool, silence Seconds) {
	set := func(at Seconds, bound, source string) {
		delay := max(at, 0)
		r.Delay, r.DelayBound, r.DelaySource = &delay, bound, source
	}
	stop := cmp.Or(r.Stopped, r.Gone)
	switch {
	case r.LastExchange != nil:
		set(*r.LastExchange, exactly, "Lameduck's count of requests")
	case answered != nil:
		bound := exactly
		if stop != nil && *stop-*answered < silence {
			bound = atLeast
		}
		set(*answered-*r.T0, bound, "the last request that the pod answered")
	}
	if lost == nil || r.Delay != nil && *lost-*r.T0 <= *r.Delay {
		return
	}
	// A pod that has stopped cannot lose a request on a connection that it had, so the load balancer
	// routed to it. A request that it lost before shows no more than that it was not too early.
	bound := atLeast
	if over && stop != nil && *lost > *stop+afterStop {
		bound = exactly
	}
	set(*lost-*r.T0, bound, "the last request that was lost")
}

// afterStop is the time after the observed end of a pod's containers in which requests may have been
// due that were lost in flight.
const afterStop = Seconds(300 * time.Millisecond)
