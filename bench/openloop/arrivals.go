package openloop

import (
	"iter"
	"math/rand/v2"
	"time"
)

// Arrivals yields the time at which each request is due, counted from the load's start. The times
// never decrease. The load ends when the sequence ends. Each iteration yields the same times.
type Arrivals iter.Seq[time.Duration]

// Constant returns an endless sequence of arrivals 1/perSecond seconds apart, the first at zero.
// perSecond must be above zero.
func Constant(perSecond float64) Arrivals {
	return func(yield func(time.Duration) bool) {
		// Each time is computed from the start, since a sum of rounded gaps would drift.
		for i := 0; yield(time.Duration(float64(i) / perSecond * float64(time.Second))); i++ {
		}
	}
}

// Poisson returns an endless sequence of arrivals like those of many independent clients: perSecond
// of them on average, with exponentially distributed gaps, the first after a gap. The same seed
// gives the same arrivals. perSecond must be above zero.
func Poisson(perSecond float64, seed uint64) Arrivals {
	return func(yield func(time.Duration) bool) {
		random := rand.New(rand.NewPCG(seed, 0)) // the other half of the seed is arbitrary
		gap := func() float64 { return random.ExpFloat64() / perSecond }
		for due := gap(); yield(time.Duration(due * float64(time.Second))); due += gap() {
		}
	}
}

// Uniform returns arrivals with gaps that are uniformly distributed from least to most, the first
// after a part of a gap, without end. The same seed gives the same arrivals. Most must be above
// zero.
func Uniform(least, most time.Duration, seed uint64) Arrivals {
	return func(yield func(time.Duration) bool) {
		random := rand.New(rand.NewPCG(seed, 1))
		gap := func() time.Duration {
			return least + time.Duration(random.Float64()*float64(most-least))
		}
		for due := time.Duration(random.Float64() * float64(most)); yield(due); due += gap() {
		}
	}
}
