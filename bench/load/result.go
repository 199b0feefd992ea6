package load

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// Sample is what became of one request.
type Sample struct {
	// Due is when the request was to be sent, counted from the load's start.
	Due time.Duration
	// Late is how much later than Due the load got to it, for want of a processor for instance. Took counts it.
	Late time.Duration
	// Took runs from Due to the last byte of the answer, or to the failure.
	Took time.Duration
	// Request is the kind of request.
	Request Request
	// Cause is empty for a request that was answered as it should be. All but Changeover are losses.
	Cause Cause
	// Err tells the failure in full. It is nil where Cause is empty.
	Err error
}

// Ended returns when the request was answered or failed, counted from the load's start.
func (s Sample) Ended() time.Duration { return s.Due + s.Took }

// Lost tells whether the request was lost. One that met a [Changeover] was neither answered nor lost.
func (s Sample) Lost() bool { return s.Cause != "" && s.Cause != Changeover }

// Result is what became of all requests of a load.
type Result struct {
	// Start is the time that the samples' times count from.
	Start time.Time
	// Samples holds every request in the order in which they were due.
	Samples []Sample
}

// Requests returns how many requests were sent.
func (r *Result) Requests() int { return len(r.Samples) }

// Failures returns the samples of the requests that were lost.
func (r *Result) Failures() []Sample { return r.pick(Sample.Lost) }

// Changeovers returns the samples of the requests that met a [Changeover].
func (r *Result) Changeovers() []Sample {
	return r.pick(func(s Sample) bool { return s.Cause == Changeover })
}

// pick returns the samples of which is holds.
func (r *Result) pick(is func(Sample) bool) []Sample {
	var picked []Sample
	for _, s := range r.Samples {
		if is(s) {
			picked = append(picked, s)
		}
	}
	return picked
}

// ByCause counts the requests that were lost, by cause. Causes that did not occur are absent.
func (r *Result) ByCause() map[Cause]int {
	n := make(map[Cause]int)
	for _, s := range r.Failures() {
		n[s.Cause]++
	}
	return n
}

// Between returns the part of the result whose requests were due in [from, to), counted from the load's start.
func (r *Result) Between(from, to time.Duration) *Result {
	due := func(s Sample, at time.Duration) int { return cmp.Compare(s.Due, at) }
	first, _ := slices.BinarySearchFunc(r.Samples, from, due)
	end, _ := slices.BinarySearchFunc(r.Samples, to, due)
	return &Result{Start: r.Start, Samples: r.Samples[first:max(first, end)]}
}

// Latency returns the given quantiles, such as 0.5 and 0.999, of the latencies of the requests that were answered:
// each the smallest latency that at least this share of them did not exceed. They are zero when none was answered.
func (r *Result) Latency(quantiles ...float64) []time.Duration {
	var took []time.Duration
	for _, s := range r.Samples {
		if s.Cause == "" {
			took = append(took, s.Took)
		}
	}
	return quantilesOf(took, quantiles)
}

// Lateness returns the given quantiles of how late requests were sent: what the load itself has added to latencies.
func (r *Result) Lateness(quantiles ...float64) []time.Duration {
	late := make([]time.Duration, len(r.Samples))
	for i, s := range r.Samples {
		late[i] = s.Late
	}
	return quantilesOf(late, quantiles)
}

func quantilesOf(values []time.Duration, quantiles []float64) []time.Duration {
	slices.Sort(values)
	at := make([]time.Duration, len(quantiles))
	for i, q := range quantiles {
		at[i] = nearestRank(values, q)
	}
	return at
}

func nearestRank(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	rank := int(math.Ceil(q * float64(len(sorted))))
	return sorted[min(max(rank, 1), len(sorted))-1]
}
