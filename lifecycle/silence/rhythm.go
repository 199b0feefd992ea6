package silence

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// buckets is the number of buckets of a rhythm: two for each power of two, up to Window.
const buckets = 43

// A rhythm is a histogram of the gaps between the exchanges of a source. Its methods may be called
// by any goroutine. A count that is lost because two of them run at the same time does no harm.
type rhythm struct {
	counts [buckets]atomic.Uint32
}

// bucketOf returns the bucket of a gap. Bucket 0 is for gaps below 2^20 ns, about a millisecond.
func bucketOf(gap time.Duration) int {
	x := uint64(max(gap, 0)) >> 20
	if x == 0 {
		return 0
	}
	n := bits.Len64(x)
	upper := 0
	if n > 1 {
		upper = int(x >> (n - 2) & 1)
	}
	return min(2*n-1+upper, buckets-1)
}

// edges holds the lower edge of each bucket in seconds, and the upper edge of the last one.
var edges = func() (e [buckets + 1]float64) {
	const unit = float64(1<<20) / float64(time.Second)
	for i := 1; i <= buckets; i++ {
		e[i] = unit * float64(uint64(1)<<((i-1)/2))
		if i%2 == 0 {
			e[i] *= 1.5
		}
	}
	e[2] = e[3] // bucket 2 is never used: one unit is not divided
	return e
}()

func (r *rhythm) record(gap time.Duration) { r.counts[bucketOf(gap)].Add(1) }

// halve lets old gaps fade.
func (r *rhythm) halve() {
	for i := range r.counts {
		r.counts[i].Store(r.counts[i].Load() / 2)
	}
}
