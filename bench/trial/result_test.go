package trial

import (
	"testing"
	"time"

	"lameduck/bench/load"
	"lameduck/bench/rollout"
)

// replaced returns a result with pods whose t0 and time to end are given in seconds.
func replaced(start time.Time, pods ...[2]int) *Result {
	r := &Result{Load: &load.Result{Start: start}}
	for _, p := range pods {
		end := rollout.Termination{T0: start.Add(time.Duration(p[0]) * time.Second), Took: time.Duration(p[1]) * time.Second}
		r.Rollout.Replaced = append(r.Rollout.Replaced, rollout.Replaced{Termination: end})
	}
	return r
}

func TestMedianTermination(t *testing.T) {
	start := time.Unix(0, 0)
	cases := map[string]struct {
		r    *Result
		want time.Duration
	}{
		"none": {replaced(start), 0},
		"odd":  {replaced(start, [2]int{1, 9}, [2]int{2, 4}, [2]int{3, 5}), 5 * time.Second},
		"even": {replaced(start, [2]int{1, 9}, [2]int{2, 4}), 9 * time.Second},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if got := tc.r.MedianTermination(); got != tc.want {
				t.Errorf("median is %v, want %v", got, tc.want)
			}
		})
	}
}

func TestSinceT0CountsFromTheLatestOne(t *testing.T) {
	r := replaced(time.Unix(0, 0), [2]int{1, 0}, [2]int{3, 0})
	cases := map[string]struct {
		due, took int // seconds
		want      time.Duration
		after     bool
	}{
		"before any":         {0, 0, 0, false},
		"after the first":    {2, 0, time.Second, true},
		"after the second":   {5, 0, 2 * time.Second, true},
		"ended, not begun":   {0, 2, time.Second, true},
		"at the very moment": {3, 0, 0, true},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			s := load.Sample{Due: time.Duration(tc.due) * time.Second, Took: time.Duration(tc.took) * time.Second}
			if got, after := r.SinceT0(s); got != tc.want || after != tc.after {
				t.Errorf("got %v, %t; want %v, %t", got, after, tc.want, tc.after)
			}
		})
	}
}

func TestChangeoversAreNotLost(t *testing.T) {
	r := replaced(time.Now())
	r.Load.Samples = []load.Sample{{}, {Cause: load.Changeover}, {Cause: load.Reset}, {Cause: load.Changeover}}
	if lost, n := r.Lost(), r.Changeovers(); lost != 1 || n != 2 {
		t.Errorf("%d were lost and %d met a changeover, want 1 and 2", lost, n)
	}
}

func TestFailedHooks(t *testing.T) {
	r := replaced(time.Now(), [2]int{1, 1})
	r.Rollout.Replaced[0].Events = []rollout.Event{
		{Step: rollout.HookEnded}, {Step: rollout.HookFailed}, {Step: rollout.HookOutlasted}, {Step: rollout.Exited},
	}
	if n := len(r.FailedHooks()); n != 2 {
		t.Errorf("%d hooks failed, want 2", n)
	}
}
