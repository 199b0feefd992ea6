package sim

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestEveryRhythmHasItsMean(t *testing.T) {
	for r := Poisson; r <= Balanced; r++ {
		const n, mean = 400_000, time.Second
		gap := r.gaps(rand.New(rand.NewPCG(1, 2)), mean)
		var sum time.Duration
		for range n {
			g := gap()
			if g < 0 {
				t.Fatalf("rhythm %d has a gap of %v", r, g)
			}
			sum += g
		}
		// The sample mean of a distribution without a variance converges slowly.
		if got := sum / n; got < 8*mean/10 || got > 12*mean/10 {
			t.Errorf("rhythm %d has a mean of %v, want %v", r, got, mean)
		}
	}
}

// all returns all requests of a rollout.
func all(r *rollout) (times []time.Duration, drain []request) {
	r.serve(func(_ int, at time.Duration) { times = append(times, at) })
	return times, r.requests()
}

func TestRequestsComeInOrderAndWithinTheirRoute(t *testing.T) {
	for _, shape := range Shapes() {
		for seed := range uint64(20) {
			r := newRollout(&shape, seed, 0)
			before, in := all(r)
			if !slices.IsSorted(before) || len(before) > 0 && before[len(before)-1] >= 0 {
				t.Errorf("%s, seed %d: the requests before the drain are not in order", shape.Name, seed)
			}
			byTime := func(a, b request) int { return int(a.at - b.at) }
			if !slices.IsSortedFunc(in, byTime) || len(in) > 0 && in[0].at < 0 {
				t.Errorf("%s, seed %d: the requests in the drain are not in order", shape.Name, seed)
			}
			for _, q := range in {
				if routed := q.at < r.sources[q.source].lag; routed == q.kept {
					t.Errorf("%s, seed %d: a request at %v, with a route until %v, on a kept connection: %v", shape.Name,
						seed, q.at, r.sources[q.source].lag, q.kept)
				}
			}
		}
	}
}

func TestAHistoryHasTheRateOfItsGroup(t *testing.T) {
	shape, err := Find("cloud")
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for seed := range uint64(50) {
		before, _ := all(newRollout(&shape, seed, 0))
		total += len(before)
	}
	want := 50 * 5 * int(History.Seconds())
	if total < want*9/10 || total > want*11/10 {
		t.Errorf("%d requests in 50 histories, want about %d", total, want)
	}
}

func TestATraceIsItsRollout(t *testing.T) {
	shape, err := Find("kept")
	if err != nil {
		t.Fatal(err)
	}
	trace := NewTrace(&shape, 7, time.Minute)
	before, in := all(newRollout(&shape, 7, time.Minute))
	if len(trace.Requests) != len(before)+len(in) || len(trace.Sources) != 30 {
		t.Fatalf("the trace has %d requests of %d sources, want %d and 30", len(trace.Requests),
			len(trace.Sources), len(before)+len(in))
	}
	kept := 0
	for _, q := range trace.Requests {
		if q.Kept {
			kept++
		}
	}
	if kept == 0 || !trace.Sources[0].Keeps {
		t.Error("no request of the drain uses a kept connection")
	}
}

// A request on a kept connection after the end of the hold goes to another pod, and is not lost.
func TestOutcomeCountsWhatIsLost(t *testing.T) {
	requests := []request{{at: 2 * time.Second}, {at: 6 * time.Second, kept: true}, {at: 9 * time.Second}}
	var o Outcome
	o.add(5*time.Second, requests[:2])
	o.add(7*time.Second, requests[:2])
	o.add(7*time.Second, requests)
	if o.Rollouts != 3 || o.Early != 1 || o.Lost != 1 || o.AtMax != 0 {
		t.Errorf("%d rollouts, %d early, %d lost, %d at max", o.Rollouts, o.Early, o.Lost, o.AtMax)
	}
	for i, want := range []time.Duration{-2 * time.Second, time.Second, 3 * time.Second} {
		if got := o.After.Quantile(float64(i) / 3); got != want {
			t.Errorf("time %d after the last request is %v, want %v", i, got, want)
		}
	}
}

// A request that arrives while the process stalls is noticed only when it continues, after the
// decision.
func TestAStallHidesRequests(t *testing.T) {
	shape := Shape{Name: "x", Groups: []Group{{Sources: exactly(1), Rate: exactly(10.0),
		Delay: exactly(time.Hour), Rhythm: Periodic}}}
	r := newRollout(&shape, 1, time.Minute)
	r.stall = span{time.Second, 8 * time.Second}
	p := newPod(r)
	end := p.drain([]request{{at: 500 * time.Millisecond}, {at: 2 * time.Second}})
	if want := 13 * time.Second; end < want {
		t.Errorf("the hold ended after %v, want at least %v: the quiet time after the stall", end, want)
	}
}
