package openloop

import (
	"cmp"
	"slices"
	"sync"
	"time"
)

// An outcome is a Sample without pointers, so that a million of them are 32 MB that the garbage
// collector need not scan.
type outcome struct {
	due, late, took time.Duration
	// kind is the index of the request, and failure is the index of the failure, or -1.
	kind, failure int32
}

// A recorder collects the outcomes of requests from many goroutines.
type recorder[R any] struct {
	start    time.Time
	requests []R

	mu       sync.Mutex
	outcomes []outcome
	failures []error
}

// add records a request of the given kind that has just ended.
func (r *recorder[R]) add(kind int, due, late time.Duration, err error) {
	o := outcome{due: due, late: late, took: time.Since(r.start) - due, kind: int32(kind), failure: -1}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		o.failure = int32(len(r.failures))
		r.failures = append(r.failures, err)
	}
	r.outcomes = append(r.outcomes, o)
}

// result returns all outcomes. No goroutine may call add any more.
func (r *recorder[R]) result() *Result[R] {
	slices.SortFunc(r.outcomes, func(a, b outcome) int { return cmp.Compare(a.due, b.due) })
	res := &Result[R]{Start: r.start, Samples: make([]Sample[R], len(r.outcomes))}
	for i, o := range r.outcomes {
		s := Sample[R]{Due: o.due, Late: o.late, Took: o.took, Request: r.requests[o.kind]}
		if o.failure >= 0 {
			s.Err = r.failures[o.failure]
			s.Cause = CauseOf(s.Err)
		}
		res.Samples[i] = s
	}
	return res
}
