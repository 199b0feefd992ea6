package sim

import (
	"math"
	"math/rand/v2"
	"time"
)

// A Rhythm is how the gaps between two requests of a source are distributed.
type Rhythm uint8

// The rhythms. All have the same mean.
const (
	Any      Rhythm = iota // Poisson, Periodic or Bursty, chosen for each source
	Poisson                // independent requests
	Periodic               // a timer, with a jitter of five percent
	Bursty                 // bursts of ten on average, Pareto gaps of index 2.5 between them
	Heavy                  // the same with index 1.5: the gaps have no variance
	Cron                   // a timer that all sources of a group start at the same second
	Balanced               // a timer, of whose requests any pod of three gets each
)

// gaps returns a function that returns the gaps of a source, whose mean is given.
func (r Rhythm) gaps(random *rand.Rand, mean time.Duration) func() time.Duration {
	if r == Any {
		r = Poisson + Rhythm(random.IntN(3))
	}
	m := float64(mean)
	switch r {
	case Poisson:
		return func() time.Duration { return time.Duration(random.ExpFloat64() * m) }
	case Bursty:
		return bursts(random, m, 2.5)
	case Heavy:
		return bursts(random, m, 1.5)
	case Balanced:
		return balanced(random, m)
	case Cron:
		const second = float64(time.Second)
		due := 0.0
		return func() time.Duration { // up to a second late, which does not add up
			late := random.Float64() * second
			gap := m + late - due
			due = late
			return time.Duration(max(gap, 0))
		}
	}
	return func() time.Duration { return time.Duration(m * (0.95 + 0.1*random.Float64())) }
}

// bursts returns gaps of bursts of ten requests on average, which are a tenth of the mean apart.
// Between the bursts the gaps have a Pareto distribution with this index.
func bursts(random *rand.Rand, mean, index float64) func() time.Duration {
	const burst = 10
	shortest := mean * (burst - 0.1*(burst-1)) * (index - 1) / index
	return func() time.Duration {
		if random.Float64() < 1-1.0/burst {
			return time.Duration(random.ExpFloat64() * mean / 10)
		}
		return time.Duration(shortest * math.Pow(1-random.Float64(), -1/index))
	}
}

// balanced returns the gaps that one of three pods sees of a timer with a jitter of a seventh.
func balanced(random *rand.Rand, mean float64) func() time.Duration {
	const pods = 3
	return func() time.Duration {
		gap := 0.0
		for {
			gap += mean / pods * (1 + (2*random.Float64()-1)/7)
			if random.IntN(pods) == 0 {
				return time.Duration(gap)
			}
		}
	}
}
