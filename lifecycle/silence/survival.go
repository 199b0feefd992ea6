package silence

import "time"

// A survival is the distribution of the gaps of a source: the share of gaps that are longer than a
// given time. Beyond the longest gap the share follows a power law of index 2. It begins there with
// the value that holds for any distribution: P(next gap > longest of n) = 1/(n+1).
type survival struct {
	share    [buckets + 1]float64 // of gaps that are longer than the lower edge of a bucket
	integral [buckets + 1]float64 // of share, from 0 to the lower edge, in seconds
	longest  float64              // in seconds
	count    float64              // number of gaps
}

// Gaps lengthen in a rollout, in which new pods take a share of the requests.
const (
	stretch = 1.5 // factor of a rollout that replaces a few pods at a time
	doubled = 2   // factor of a rollout that starts all new pods first
)

func (v *survival) load(r *rhythm, longest time.Duration) {
	v.longest = max(longest.Seconds(), edges[1])
	v.count = 0
	var counts [buckets]float64
	for i := range counts {
		counts[i] = float64(r.counts[i].Load())
		v.count += counts[i]
	}
	longer := v.count + 1
	for i := range v.share {
		v.share[i] = longer / (v.count + 1)
		if i < buckets {
			longer -= counts[i]
		}
		if i > 0 {
			v.integral[i] = v.integral[i-1] + (edges[i]-edges[i-1])*v.share[i-1]
		}
	}
}

// at returns the share of gaps that are longer than x seconds, and the integral of that share from
// 0 to x.
func (v *survival) at(x float64) (share, integral float64) {
	if x <= 0 {
		return 1, x
	}
	if x <= v.longest {
		return v.within(x)
	}
	rare := v.share[buckets]
	_, integral = v.within(v.longest)
	ratio := v.longest / x
	return rare * ratio * ratio, integral + rare*v.longest*(1-ratio)
}

// within is at for times up to the longest gap.
func (v *survival) within(x float64) (share, integral float64) {
	b := bucketOf(time.Duration(x * float64(time.Second)))
	return v.share[b], v.integral[b] + (x-edges[b])*v.share[b]
}
