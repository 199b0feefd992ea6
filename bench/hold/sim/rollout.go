package sim

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"time"
)

// History is how long sources call before the drain begins, unless they have made enough requests
// before.
const History = 10 * time.Minute

// enough bounds the requests of a history. A busy service says no more in ten minutes than in one.
const enough = 6_000

// A rollout is one pod's end: its sources with their rhythms and lags, as drawn from a shape. Times
// count from the drain's start.
type rollout struct {
	shape   *Shape
	random  *rand.Rand
	history time.Duration
	sources []source
	queue   queue // of the sources, by their next request
	stall   span  // in which the process does not run
	checks  []check
}

// A source is one caller.
type source struct {
	route   Route
	gap     func() time.Duration
	next    time.Duration // request
	lag     time.Duration // no new connection reaches the pod from then on
	keeps   bool          // has a connection that lasts until its next response
	last    time.Duration // request
	longest time.Duration // gap
}

// A span is a time from begin to end.
type span struct{ begin, end time.Duration }

func (s span) contains(t time.Duration) bool { return s.begin <= t && t < s.end }

// A request is one that comes in the drain.
type request struct {
	at     time.Duration
	source int
	// kept means that the route is lost and the request comes on a connection that the source has
	// kept. If the hold is over, the connection is closed and the request goes to another pod.
	kept bool
}

// newRollout draws a rollout from a shape. The same seed draws the same rollout.
// A history of zero means the usual one.
func newRollout(shape *Shape, seed uint64, history time.Duration) *rollout {
	name := fnv.New64a()
	name.Write([]byte(shape.Name))
	r := &rollout{shape: shape, random: rand.New(rand.NewPCG(seed, name.Sum64())), history: history}
	if shape.Stall > 0 {
		begin := time.Duration(r.random.Int64N(int64(20 * time.Second)))
		r.stall = span{begin, begin + shape.Stall}
	}
	r.draw()
	r.drawChecks()
	r.queue = newQueue(r.sources)
	return r
}

// draw draws the sources of all groups.
func (r *rollout) draw() {
	rates := make([]float64, len(r.shape.Groups))
	total := 0.0
	for i, g := range r.shape.Groups {
		rates[i] = g.Rate.logUniform(r.random)
		total += rates[i]
	}
	if r.history == 0 {
		r.history = History
		if total*History.Seconds() > enough {
			r.history = time.Duration(enough / total * float64(time.Second))
		}
	}
	for i, g := range r.shape.Groups {
		r.drawGroup(g, rates[i])
	}
}

func (r *rollout) drawGroup(g Group, rate float64) {
	n := uniform(g.Sources, r.random)
	lags := r.lags(g, n)
	weights := 0.0
	for i := range n {
		weights += g.weight(i)
	}
	start := -time.Duration(r.random.Float64() * float64(time.Minute)) // of the timers of Cron
	for i := range n {
		mean := time.Duration(float64(time.Second) * weights / (rate * g.weight(i)))
		s := source{route: g.Route, lag: lags[i*len(lags)/n], keeps: g.Kept,
			gap: g.Rhythm.gaps(r.random, mean)}
		s.next = r.first(g, start, s.gap)
		s.last = math.MinInt64
		r.sources = append(r.sources, s)
	}
}

// first returns when a source makes its first request.
func (r *rollout) first(g Group, start time.Duration, gap func() time.Duration) time.Duration {
	began := r.history
	if g.Young {
		began = time.Duration(r.random.Float64() * float64(r.history))
	}
	if g.Rhythm == Cron {
		return start - r.history
	}
	return -began + time.Duration(r.random.Float64()*float64(gap()))
}

// lags draws the time after which each node stops routing to the pod.
func (r *rollout) lags(g Group, sources int) []time.Duration {
	nodes := sources
	if g.Nodes.High > 0 {
		nodes = min(uniform(g.Nodes, r.random), sources)
	}
	delay := float64(g.Delay.logUniform(r.random))
	lags := make([]time.Duration, nodes)
	for i := range lags {
		lags[i] = time.Duration(delay * (0.2 + 0.8*r.random.Float64()))
	}
	if g.Laggard > 0 {
		lags[0] = time.Duration(delay * g.Laggard)
	}
	return lags
}

// weight returns the weight of the source with this index.
func (g Group) weight(i int) float64 {
	if g.Skewed {
		return 1 / float64(i+1)
	}
	return 1
}

// serve calls begin with every request before the drain, in the order of time.
func (r *rollout) serve(begin func(source int, at time.Duration)) {
	for len(r.sources) > 0 {
		i := r.queue.first()
		s := &r.sources[i]
		if s.next >= 0 {
			return
		}
		s.note(s.next)
		begin(i, s.next)
		s.next += s.gap()
		r.queue.fix()
	}
}

// note notes a request before the drain.
func (s *source) note(at time.Duration) {
	if s.last != math.MinInt64 {
		s.longest = max(s.longest, at-s.last)
	}
	s.last = at
}

// requests returns the requests in the drain, in the order of time.
func (r *rollout) requests() []request {
	var all []request
	surge := max(r.shape.Surge, 1)
	for len(r.sources) > 0 {
		i := r.queue.first()
		s := &r.sources[i]
		if s.next == never {
			break
		}
		routed := s.next < s.lag
		if routed || s.keeps {
			all = append(all, request{at: s.next, source: i, kept: !routed})
		}
		s.keeps = false
		if s.next += time.Duration(surge * float64(s.gap())); s.next >= s.lag {
			s.next = never
		}
		r.queue.fix()
	}
	return all
}
