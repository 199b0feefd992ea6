package silence

import (
	"math"
	"time"
)

// The delay of a class is the time from the drain's start until the last of its sources has lost its
// route. It is unknown: each of a number of delays is as likely as any other. They begin at
// shortestDelay seconds, and each is delayStep times the one before.
const (
	shortestDelay = 0.25
	delayStep     = 1.5
	maxDelays     = 24
)

// spread is how early the first source of a class may lose its route, as a share of the delay. From
// then until the delay is over any moment is as likely as any other.
const spread = 0.1

// departed is the share of sources that stop for good for reasons of their own, and have not been
// seen to: callers are restarted, too.
const departed = 0.1

// impossible is the logarithm of the likelihood of a delay that contradicts what was seen.
const impossible = -30

// delaysUpTo returns the delays in seconds that are shorter than the longest one considered.
func delaysUpTo(longest time.Duration) (delays []float64) {
	for x := shortestDelay; x < longest.Seconds() && len(delays) < maxDelays; x *= delayStep {
		delays = append(delays, x)
	}
	return delays
}

// A suspect is a source that may still have a route. Times are in seconds after the drain's start.
type suspect struct {
	survival
	last    float64 // end of the last exchange; negative: before the drain
	routed  float64 // when it was last seen to have a route; negative: before the drain
	rate    float64 // requests per second
	kept    bool    // it may use a connection from before the drain: its silence proves nothing
	stopped bool    // its health checks have stopped: it will not send again
}

// An opinion is what the sources of one class say together about its delay and about more requests.
type opinion struct {
	sources  int
	weight   [maxDelays]float64 // logarithm of the likelihood of each delay
	expected [maxDelays]float64 // number of sources that will send again, if that is the delay
}

// more returns the probability that at least one more request arrives.
func (o *opinion) more(delays []float64) float64 {
	if o.sources == 0 {
		return 0
	}
	most := math.Inf(-1)
	for j := range delays {
		most = max(most, o.weight[j])
	}
	var sum, total float64
	for j := range delays {
		p := math.Exp(o.weight[j] - most)
		sum += p
		total += p * o.expected[j]
	}
	return min(total/sum, 1)
}

// add adds what a source says, now seconds after the drain's start.
func (o *opinion) add(s *suspect, delays []float64, now float64) {
	o.sources++
	if s.kept {
		o.addKept(s, delays, now)
		return
	}
	atStart := 1.0 // share of its gaps that are longer than its silence at the drain's start
	if s.last < 0 {
		atStart, _ = s.at(-s.last)
	}
	silent, until := s.at(now - s.last)
	alive := atStart / (atStart + departed)
	for j, delay := range delays {
		lost := s.lost(delay, now, until, atStart)
		routed := max(0, delay-max(now, spread*delay)) * min(1, silent/atStart)
		all := lost + routed
		if width := delay - spread*delay; all < 1e-12*width {
			o.weight[j] += impossible
		} else {
			o.weight[j] += math.Log(all / width)
		}
		if routed > 0 && !s.stopped {
			o.expected[j] += alive * routed / all * s.again(delay, now)
		}
	}
}

// addKept adds what a source says that keeps a connection from before the drain. Its requests do not
// depend on a route, so it supports no delay. If it has been silent for long, it has departed.
func (o *opinion) addKept(s *suspect, delays []float64, now float64) {
	silent, _ := s.at(now - s.last)
	alive := silent / (silent + departed)
	for j, delay := range delays {
		first := spread * delay
		if routed := (delay - max(now, first)) / (delay - first); routed > 0 && !s.stopped {
			o.expected[j] += alive * routed * s.again(delay, now)
		}
	}
}

// lost returns the likelihood that the source has lost its route before now, and has been silent
// since for that reason, times the width of the interval in which it loses it.
func (s *suspect) lost(delay, now, until, atStart float64) float64 {
	from, to := max(0, s.routed, spread*delay), min(delay, now)
	if to <= from {
		return 0
	}
	_, begin := s.at(from - s.last)
	end := until
	if to < now {
		_, end = s.at(to - s.last)
	}
	return min((end-begin)/atStart, to-from)
}

// again returns the probability that the source sends another request, if it has a route now and the
// delay is the given one: what a slow source could send in the time that is left counts for little.
func (s *suspect) again(delay, now float64) float64 {
	left := (max(now, spread*delay)+delay)/2 - now
	return -math.Expm1(-left * s.rate)
}
