package openloop

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// A Sample is the outcome of one request.
type Sample[R any] struct {
	// Due is when the request was due, counted from the load's start.
	Due time.Duration
	// Late is how much later than Due the request was sent, for example because no processor was
	// free. Took includes it.
	Late time.Duration
	// Took is the time from Due to the last byte of the response, or to the failure.
	Took time.Duration
	// Request is the kind of request.
	Request R
	// Cause is empty for a request that was answered correctly. All causes but Changeover are
	// losses.
	Cause Cause
	// Err is the failure. It is nil if Cause is empty.
	Err error
}

// Ended returns when the request was answered or failed, counted from the load's start.
func (s Sample[R]) Ended() time.Duration { return s.Due + s.Took }

// Lost reports whether the request was lost. A [Changeover] is neither answered nor lost.
func (s Sample[R]) Lost() bool { return s.Cause != "" && s.Cause != Changeover }

// A Result has the outcomes of all requests of a load.
type Result[R any] struct {
	// Start is the start of the load, from which the times of the samples count.
	Start time.Time
	// Samples holds every request in the order in which they were due.
	Samples []Sample[R]
}

// Requests returns how many requests were sent.
func (r *Result[R]) Requests() int { return len(r.Samples) }

// Failures returns the samples of the requests that were lost.
func (r *Result[R]) Failures() []Sample[R] { return r.pick(Sample[R].Lost) }

// Changeovers returns the samples of the requests that ended with a [Changeover].
func (r *Result[R]) Changeovers() []Sample[R] {
	return r.pick(func(s Sample[R]) bool { return s.Cause == Changeover })
}

// pick returns the samples for which match returns true.
func (r *Result[R]) pick(match func(Sample[R]) bool) []Sample[R] {
	var picked []Sample[R]
	for _, s := range r.Samples {
		if match(s) {
			picked = append(picked, s)
		}
	}
	return picked
}

// ByCause counts the requests that were lost, by cause. Causes that did not occur are absent.
func (r *Result[R]) ByCause() map[Cause]int {
	n := make(map[Cause]int)
	for _, s := range r.Failures() {
		n[s.Cause]++
	}
	return n
}

// Between returns the part of the result whose requests were due in [from, to), counted from the
// load's start.
func (r *Result[R]) Between(from, to time.Duration) *Result[R] {
	due := func(s Sample[R], at time.Duration) int { return cmp.Compare(s.Due, at) }
	first, _ := slices.BinarySearchFunc(r.Samples, from, due)
	end, _ := slices.BinarySearchFunc(r.Samples, to, due)
	return &Result[R]{Start: r.Start, Samples: r.Samples[first:max(first, end)]}
}

// Latency returns the given quantiles, such as 0.5 and 0.999, of the latencies of the answered
// requests. A quantile is the smallest latency that at least this share of the requests did not
// exceed. It is zero if no request was answered.
func (r *Result[R]) Latency(quantiles ...float64) []time.Duration {
	var took []time.Duration
	for _, s := range r.Samples {
		if s.Cause == "" {
			took = append(took, s.Took)
		}
	}
	return quantilesOf(took, quantiles)
}

// Lateness returns the given quantiles of how late requests were sent, which is what the load
// itself adds to latencies.
func (r *Result[R]) Lateness(quantiles ...float64) []time.Duration {
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
