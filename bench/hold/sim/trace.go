package sim

import "time"

// A Trace has all requests of a rollout, for the real program.
type Trace struct {
	Sources  []Source
	Requests []Request // in the order of time
}

// A Source is one caller.
type Source struct {
	Route Route
	Keeps bool // it keeps its connection
}

// A Request is one request of a trace.
type Request struct {
	At     time.Duration // from the drain's start; negative means before
	Source int           // its index
	// Kept means that the source sends it only if its connection is still open. Otherwise the
	// request goes to another pod.
	Kept bool
}

// NewTrace draws a rollout with a history of the given length.
func NewTrace(shape *Shape, seed uint64, history time.Duration) Trace {
	var t Trace
	r := newRollout(shape, seed, history)
	for _, s := range r.sources {
		t.Sources = append(t.Sources, Source{Route: s.route, Keeps: s.keeps})
	}
	r.serve(func(source int, at time.Duration) {
		t.Requests = append(t.Requests, Request{At: at, Source: source})
	})
	for _, q := range r.requests() {
		t.Requests = append(t.Requests, Request{At: q.at, Source: q.source, Kept: q.kept})
	}
	return t
}
