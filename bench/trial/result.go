package trial

import (
	"slices"
	"time"

	"lameduck/bench/balancer"
	"lameduck/bench/load"
	"lameduck/bench/rollout"
)

// Result is what a trial has shown.
type Result struct {
	// Strategy and App are the names of these.
	Strategy, App string
	// Load is what became of each request.
	Load *load.Result
	// Rollout is how each old pod ended.
	Rollout rollout.Report
	// Removals is when each node of the load balancer was told, and when it acted: its true lag.
	Removals []balancer.Removal
	// Stories is Lameduck's termination message for the address of each pod that was replaced. It is empty for pods
	// without Lameduck.
	Stories map[string]string
}

// PodEnd is the end of one pod as its load balancer saw it.
type PodEnd struct {
	Addr string
	// T0 is when the pod was told to end, counted from the load's start.
	T0 time.Duration
	// Took runs from T0 until the pod's last process had ended.
	Took time.Duration
	// Lag runs from T0 until the last node of the load balancer had acted on it.
	Lag time.Duration
}

// Pods returns the ends of the pods that were replaced, in the order of their T0.
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

// Changeovers returns how many requests met the load balancer's own changeover, and were neither answered nor lost.
func (r *Result) Changeovers() int { return len(r.Load.Changeovers()) }

// RolloutTook returns the time from the start of the first new pod until the last old one was gone.
func (r *Result) RolloutTook() time.Duration { return r.Rollout.Ended.Sub(r.Rollout.Began) }

// MedianTermination returns the median of the times that the old pods took to end: of an even number of pods the
// upper one, and zero of none.
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

// SinceT0 returns how long after the latest t0 of a pod the request was answered or lost. It reports false when no
// pod had been told to end by then.
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

// FailedHooks returns the preStop hooks that failed or outlasted the grace period. There should be none.
func (r *Result) FailedHooks() []rollout.Event {
	var failed []rollout.Event
	for _, p := range r.Rollout.Replaced {
		for _, e := range p.Events {
			if e.What == rollout.HookFailed || e.What == rollout.HookOutlasted {
				failed = append(failed, e)
			}
		}
	}
	return failed
}
