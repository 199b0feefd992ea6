package trial

import (
	"slices"
	"time"

	"lameduck/bench/balancer"
	"lameduck/bench/load"
	"lameduck/bench/rollout"
)

// A Result has the measurements of a trial.
type Result struct {
	// Strategy and App are their names.
	Strategy, App string
	// Load has the outcome of each request.
	Load *load.Result
	// Rollout has the termination of each old pod.
	Rollout rollout.Report
	// Removals has the removal of each pod from each node of the load balancer, with its true lag.
	Removals []balancer.Removal
	// Messages has Lameduck's termination message for the address of each replaced pod. It is empty
	// for pods without Lameduck.
	Messages map[string]string
}

// A PodEnd is the termination of one pod as the load balancer saw it.
type PodEnd struct {
	Addr string
	// T0 is when the termination began, counted from the load's start.
	T0 time.Duration
	// Took is the time from T0 until the pod's last process had ended.
	Took time.Duration
	// Lag is the time from T0 until the last node of the load balancer had removed the pod.
	Lag time.Duration
}

// Pods returns the terminations of the replaced pods, in the order of their T0.
func (r *Result) Pods() []PodEnd {
	var ends []PodEnd
	for _, p := range r.Rollout.Replaced {
		end := PodEnd{Addr: p.Addr, T0: p.T0.Sub(r.Load.Start), Took: p.Took}
		for _, m := range r.Removals {
			if m.Addr == p.Addr {
				end.Lag = max(end.Lag, m.Done.Sub(p.T0))
			}
		}
		ends = append(ends, end)
	}
	return ends
}

// Lost returns how many requests were lost, whatever the cause.
func (r *Result) Lost() int { return len(r.Load.Failures()) }

// Changeovers returns how many requests ended with a [load.Changeover], and so were neither
// answered nor lost.
func (r *Result) Changeovers() int { return len(r.Load.Changeovers()) }

// RolloutTook returns the time from the start of the first new pod until the end of the last old
// one.
func (r *Result) RolloutTook() time.Duration { return r.Rollout.Ended.Sub(r.Rollout.Began) }

// MedianTermination returns the median of the termination times of the old pods. For an even number
// of pods it is the upper one. It is zero if there are none.
func (r *Result) MedianTermination() time.Duration {
	var took []time.Duration
	for _, p := range r.Rollout.Replaced {
		took = append(took, p.Took)
	}
	if len(took) == 0 {
		return 0
	}
	slices.Sort(took)
	return took[len(took)/2]
}

// SinceT0 returns the time from the latest t0 of a pod until the request was answered or lost. It
// reports false if no pod was terminating by then.
func (r *Result) SinceT0(s load.Sample) (time.Duration, bool) {
	ended := r.Load.Start.Add(s.Ended())
	since, found := time.Duration(0), false
	for _, p := range r.Rollout.Replaced { // in the order of their t0
		if d := ended.Sub(p.T0); d >= 0 {
			since, found = d, true
		}
	}
	return since, found
}

// FailedHooks returns the preStop hooks that failed or outlasted the grace period. There should be
// none.
func (r *Result) FailedHooks() []rollout.Event {
	var failed []rollout.Event
	for _, p := range r.Rollout.Replaced {
		for _, e := range p.Events {
			if e.Step == rollout.HookFailed || e.Step == rollout.HookOutlasted {
				failed = append(failed, e)
			}
		}
	}
	return failed
}
