package sim

import (
	"time"
)

// An Outcome is what became of a number of rollouts under one rule.
type Outcome struct {
	Rollouts int
	Early    int // rollouts with a request after the end of the hold
	Lost     int // requests after the end of the hold
	AtMax    int // rollouts whose hold lasted until the maximum
	After    Times
	Hold     Times
}

// add adds a rollout.
func (o *Outcome) add(end time.Duration, requests []request) {
	last := time.Duration(0)
	lost := 0
	for _, q := range requests {
		switch {
		case q.at <= end:
			last = q.at
		case !q.kept:
			last = q.at
			lost++
		}
	}
	o.Rollouts++
	o.Lost += lost
	if lost > 0 {
		o.Early++
	}
	if end >= maxHold {
		o.AtMax++
	}
	o.After.add(end - last)
	o.Hold.add(end)
}

// merge adds the rollouts of another outcome.
func (o *Outcome) merge(p *Outcome) {
	o.Rollouts += p.Rollouts
	o.Early += p.Early
	o.Lost += p.Lost
	o.AtMax += p.AtMax
	o.After.merge(&p.After)
	o.Hold.merge(&p.Hold)
}

// Share returns the share of n rollouts.
func (o *Outcome) Share(n int) float64 { return float64(n) / float64(max(o.Rollouts, 1)) }

// The resolution and the range of Times.
const (
	step     = 50 * time.Millisecond
	earliest = -2 * time.Minute
	latest   = 2 * time.Minute
	steps    = int((latest - earliest) / step)
)

// Times is a histogram, since the times of a million rollouts take too much memory.
type Times struct {
	counts [steps + 1]int32
	n      int
}

func (t *Times) add(d time.Duration) {
	i := int((d - earliest + step/2) / step)
	t.counts[min(max(i, 0), steps)]++
	t.n++
}

func (t *Times) merge(u *Times) {
	for i, n := range u.counts {
		t.counts[i] += n
	}
	t.n += u.n
}

// Quantile returns the time that this share of the times is below.
func (t *Times) Quantile(q float64) time.Duration {
	rank := int(q * float64(t.n))
	for i, n := range t.counts {
		if rank -= int(n); rank < 0 {
			return earliest + time.Duration(i)*step
		}
	}
	return latest
}
