package load

import (
	"iter"
	"math/rand/v2"
	"time"
)

// Arrivals yields when each request is due, counted from the load's start. The times never go back; a sequence
// that ends ends the load. Each run over it yields the same times.
type Arrivals iter.Seq[time.Duration]

// Constant returns arrivals one second / perSecond apart, the first at once, without end. perSecond must be above
// zero.
func Constant(perSecond float64) Arrivals {
	return func(yield func(time.Duration) bool) {
		// Each time is reckoned from the start, since a sum of rounded gaps would drift.
		for i := 0; yield(time.Duration(float64(i) / perSecond * float64(time.Second))); i++ {
		}
	}
}

// Poisson returns arrivals as those of many clients that know nothing of each other: perSecond of them in the mean,
// with gaps that are exponentially distributed, the first after a gap, without end. The same seed gives the same
// arrivals. perSecond must be above zero.
func Poisson(perSecond float64, seed uint64) Arrivals {
	return func(yield func(time.Duration) bool) {
		random := rand.New(rand.NewPCG(seed, 0)) // the seed's other half is as good as any
		gap := func() float64 { return random.ExpFloat64() / perSecond }
		for due := gap(); yield(time.Duration(due * float64(time.Second))); due += gap() {
		}
	}
}

// Uniform returns arrivals with gaps that are uniformly distributed from least to most, the first
// after a part of a gap, without end. The same seed gives the same arrivals. Most must be above zero.
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
