package sim

import (
	"math"
	"math/rand/v2"
	"time"
)

// A Shape is a kind of traffic, and what the rule promises for it.
type Shape struct {
	Name   string // for -shapes
	Title  string // in tables
	About  string // a sentence for the page
	Groups []Group
	// Surge is by how much the gaps of a source lengthen in the drain, as new pods take their share
	// of the requests. Zero means 1: they do not.
	Surge float64
	// Checks are health checks of load balancers, besides the requests of the groups.
	Checks Checks
	// Stall is how long the process gets no CPU, once, in the first 20 seconds of the drain. Zero
	// means never.
	Stall time.Duration
	// Limits are the figures that the rule must keep. The zero value promises nothing.
	Limits Limits
}

// Limits are the most that a rule may take for a shape.
type Limits struct {
	AfterP50, AfterP90 time.Duration // from the last request to the end of the hold
	Early              float64       // share of rollouts with a request after the end of the hold
}

// Checks are the health checks of a load balancer. The zero value has none.
type Checks struct {
	Nodes  int // that check the pod, each for itself
	Period time.Duration
	// Until is how long after the drain's start they go on.
	Until Range[time.Duration]
}

// A Route is how the requests of a source reach the pod.
type Route uint8

// The routes.
const (
	Direct  Route = iota // through kube-proxy or by the address of the pod
	Proxied              // through a load balancer or a proxy that identifies itself
	Opaque               // a connection in which requests are not seen
)

// A Group is a number of sources of the same kind. Each rollout draws its numbers from the ranges,
// the time and the rate with a logarithmic distribution.
type Group struct {
	Route   Route
	Sources Range[int]
	Rate    Range[float64] // requests per second, of all sources together
	Rhythm  Rhythm
	// Delay is the time from the drain's start after which the last node has stopped routing to
	// the pod. Each node stops between a fifth of it and all of it.
	Delay Range[time.Duration]
	// Nodes is the number of nodes that the sources are on. The sources of one node lose their
	// route together. Zero means that each source is a node.
	Nodes Range[int]
	// Laggard is how many times the Delay the first node needs. Zero means 1.
	Laggard float64
	// Kept means that sources keep their connections until they are asked to close them.
	Kept bool
	// Skewed means that the rates of the sources are as 1, 1/2, 1/3 and so on.
	Skewed bool
	// Young means that each source began to call at some time in the history.
	Young bool
}

// A Range is all values from Low to High.
type Range[T int | float64 | time.Duration] struct{ Low, High T }

// exactly is the range of one value.
func exactly[T int | float64 | time.Duration](v T) Range[T] { return Range[T]{v, v} }

// between is the range from low to high.
func between[T int | float64 | time.Duration](low, high T) Range[T] { return Range[T]{low, high} }

// logUniform draws a value whose logarithm has a uniform distribution.
func (r Range[T]) logUniform(random *rand.Rand) T {
	if r.Low == r.High {
		return r.Low
	}
	return T(float64(r.Low) * math.Pow(float64(r.High)/float64(r.Low), random.Float64()))
}

// uniform draws a number.
func uniform(r Range[int], random *rand.Rand) int { return r.Low + random.IntN(r.High-r.Low+1) }
