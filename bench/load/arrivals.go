package load

import (
	"iter"
	"time"
)

// Arrivals yields when each request is due, counted from the load's start. The times never go back; a sequence
// that ends ends the load.
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
