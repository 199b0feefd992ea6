package load

import (
	"cmp"
	"math"
	"slices"
	"sync"
	"time"
)

// Sample is what became of one request.
type Sample struct {
	// Due is when the request was to be sent, counted from the load's start.
	Due time.Duration
	// Took runs from Due to the last byte of the answer, or to the failure.
	Took time.Duration
	// Request is the kind of request.
	Request Request
	// Cause is empty for a request that was answered as it should be.
	Cause Cause
	// Err tells the failure in full. It is nil where Cause is empty.
	Err error
}

// Ended returns when the request was answered or lost, counted from the load's start.
func (s Sample) Ended() time.Duration { return s.Due + s.Took }

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
func (r *Result) Failures() []Sample {
	var lost []Sample
	for _, s := range r.Samples {
		if s.Cause != "" {
			lost = append(lost, s)
		}
	}
	return lost
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
	part := &Result{Start: r.Start}
	for _, s := range r.Samples {
		if from <= s.Due && s.Due < to {
			part.Samples = append(part.Samples, s)
		}
	}
	return part
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
	slices.Sort(took)
	at := make([]time.Duration, len(quantiles))
	for i, q := range quantiles {
		at[i] = nearestRank(took, q)
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

// recorder gathers samples from many goroutines.
type recorder struct {
	start time.Time

	mu      sync.Mutex
	samples []Sample
}

func (r *recorder) add(due time.Duration, req Request, err error) {
	s := Sample{Due: due, Took: time.Since(r.start) - due, Request: req, Cause: causeOf(err), Err: err}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.samples = append(r.samples, s)
}

// result is called when no goroutine adds any more.
func (r *recorder) result() *Result {
	slices.SortFunc(r.samples, func(a, b Sample) int { return cmp.Compare(a.Due, b.Due) })
	return &Result{Start: r.start, Samples: r.samples}
}
