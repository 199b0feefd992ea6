package silence

import (
	"math"
	"time"
)

// The delay of a class is the time from the drain's start until the last of its sources has lost
// its route. It is unknown: each of a number of delays is as likely as any other. They begin at
// shortestDelay seconds, and each is delayStep times the one before.
const (
	shortestDelay = 0.25
	delayStep     = 1.5
	maxDelays     = 24
)

// spread is how early the first source of a class may lose its route, as a share of the delay. From
// then until the delay is over any moment is as likely as any other.
const spread = 0.1

// departed is the assumed share of sources that stop for good for reasons of their own, unnoticed:
// callers are restarted, too.
const departed = 0.1

// strange is the probability that a source has a delay of its own instead of its class's, for
// example on a node that lags behind.
const strange = 1e-4

// impossible is the likelihood of an observation that contradicts every delay.
const impossible = 1e-30

// influence limits how much a single source can affect its class: the logarithm of how much more
// likely it may make a delay than the source with the next strongest opinion does. So no client can
// end the hold for others by imitating a source that stops.
const influence = 3

// delaysUpTo returns the delays in seconds that are shorter than the longest one considered, or the
// shortest one.
func delaysUpTo(longest time.Duration) (delays []float64) {
	for x := shortestDelay; len(delays) == 0 || x < longest.Seconds() && len(delays) < maxDelays; x *= delayStep {
		delays = append(delays, x)
	}
	return delays
}

// A suspect is a source that may still have a route. Times are in seconds after the drain's start.
type suspect struct {
	*survival
	stretch float64 // factor by which its gaps are longer in the drain
	last    float64 // end of the last exchange; negative: before the drain
	routed  float64 // when it was last seen to have a route; negative: before the drain
	rate    float64 // requests per second
	kept    bool    // it may use a connection from before the drain: its silence proves nothing
	stopped bool    // its health checks have stopped: it will not send again
}

// weights are the logarithms of the likelihood of each delay.
type weights [maxDelays]float64

// An opinion is what the sources of one class together imply about its delay and about further
// requests.
type opinion struct {
	sources  int
	weights  weights
	expected [maxDelays]float64 // number of sources that will send again, if that is the delay
	extreme  [2]vote            // the two that support short delays most
}

// A vote is what one source implies about the delay.
type vote struct {
	weights weights
	slope   float64 // the lower, the more it supports short delays
}

// A judgment is the opinion of a class for each factor by which its gaps may lengthen in the drain.
// All sources of the class have the same factor.
type judgment struct{ usual, twice opinion }

// twice is the probability that the gaps of sources that are not direct callers are doubled. Direct
// callers are many, so that the requests of some of them show the factor.
const twice = 0.02

// add adds what a source says, now seconds after the drain's start.
func (g *judgment) add(s *suspect, c Class, delays []float64, now float64) {
	s.stretch = stretch
	g.usual.add(s, delays, now)
	if c != Direct {
		s.stretch = doubled
		g.twice.add(s, delays, now)
	}
}

// more returns the probability that at least one more request arrives.
func (g *judgment) more(delays []float64) float64 {
	if g.usual.sources == 0 {
		return 0
	}
	most, sum, total := g.usual.sum(delays)
	if g.twice.sources > 0 {
		m, s, t := g.twice.sum(delays)
		factor := twice * math.Exp(min(m-most, -math.Log(impossible)))
		sum, total = (1-twice)*sum+factor*s, (1-twice)*total+factor*t
	}
	return min(total/sum, 1)
}

// sum returns the logarithm of the highest likelihood of a delay, the sum of the likelihoods of all
// delays as shares of it, and the number of sources that will send again, each weighted by its delay.
func (o *opinion) sum(delays []float64) (most, sum, total float64) {
	w := o.limited(len(delays))
	most = math.Inf(-1)
	for j := range delays {
		most = max(most, w[j])
	}
	for j := range delays {
		p := math.Exp(w[j] - most)
		sum += p
		total += p * o.expected[j]
	}
	return most, sum, total
}

// limited returns the weights with the influence of the most extreme source limited. They are
// compared at the longest of n delays.
func (o *opinion) limited(n int) weights {
	w := o.weights
	first, second := &o.extreme[0].weights, &o.extreme[1].weights
	for j := range n {
		excess := (first[j] - first[n-1]) - (second[j] - second[n-1])
		w[j] -= max(0, excess-influence)
	}
	return w
}

// add adds what a source says, now seconds after the drain's start.
func (o *opinion) add(s *suspect, delays []float64, now float64) {
	o.sources++
	with := s.odds(delays, now)
	var alone odds // if the delay of the class does not apply
	for _, w := range with[:len(delays)] {
		alone.silence += w.silence / float64(len(delays))
		alone.more += w.more / float64(len(delays))
	}
	var v vote
	middle := float64(len(delays)-1) / 2
	for j, w := range with[:len(delays)] {
		silence := (1-strange)*w.silence + strange*alone.silence
		v.weights[j] = math.Log(max(silence, impossible))
		v.slope += v.weights[j] * (float64(j) - middle)
		o.weights[j] += v.weights[j]
		if silence > impossible {
			o.expected[j] += ((1-strange)*w.more + strange*alone.more) / silence
		}
	}
	o.rank(&v)
}

// rank keeps a vote if it is one of the two that support short delays most.
func (o *opinion) rank(v *vote) {
	switch {
	case v.slope < o.extreme[0].slope:
		o.extreme[0], o.extreme[1] = *v, o.extreme[0]
	case v.slope < o.extreme[1].slope:
		o.extreme[1] = *v
	}
}

// longer is survival.at for stretched gaps.
func (s *suspect) longer(x float64) (share, integral float64) {
	share, integral = s.at(x / s.stretch)
	return share, integral * s.stretch
}

// Odds are what the silence of a source implies about a delay.
type odds struct {
	silence float64 // likelihood of the silence
	more    float64 // likelihood of the silence and of one more request after it
}

// odds returns what the silence of the source implies about each delay.
func (s *suspect) odds(delays []float64, now float64) (with [maxDelays]odds) {
	silent, until := s.longer(now - s.last)
	atStart := 1.0 // share of its gaps that are longer than its silence at the drain's start
	if s.last < 0 {
		atStart, _ = s.longer(-s.last)
	}
	stay := atStart
	if s.kept {
		stay = silent
	}
	alive := stay / (stay + departed)
	for j, delay := range delays {
		first := spread * delay
		// Likelihoods times the width of the interval in which the route is lost.
		routed := max(0, delay-max(now, first))
		lost := delay - first - routed
		if !s.kept {
			routed *= min(1, silent/atStart)
			lost = s.lost(delay, now, until, atStart)
		}
		with[j].silence = (lost + routed) / (delay - first)
		if !s.stopped && routed > 0 {
			with[j].more = alive * routed / (delay - first) * s.again(delay, now)
		}
	}
	return with
}

// lost returns the likelihood that the source has lost its route before now, and has been silent
// since for that reason, times the width of the interval in which it loses it.
func (s *suspect) lost(delay, now, until, atStart float64) float64 {
	from, to := max(0, s.routed, spread*delay), min(delay, now)
	if to <= from {
		return 0
	}
	_, begin := s.longer(from - s.last)
	end := until
	if to < now {
		_, end = s.longer(to - s.last)
	}
	return min((end-begin)/atStart, to-from)
}

// again returns the probability that the source sends another request, given that it still has a
// route and that the delay is the given one. It is low for a slow source with little time left.
func (s *suspect) again(delay, now float64) float64 {
	left := max(0, (max(now, spread*delay)+delay)/2-now)
	return -math.Expm1(-left * s.rate)
}
