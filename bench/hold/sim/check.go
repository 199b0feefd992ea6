package sim

import (
	"slices"
	"time"
)

// A check is one health check of a node.
type check struct {
	at   time.Duration
	node int
}

// drawChecks draws the health checks of the history and of the drain, in the order of time.
func (r *rollout) drawChecks() {
	c := r.shape.Checks
	if c.Nodes == 0 {
		return
	}
	until := c.Until.Low + time.Duration(r.random.Float64()*float64(c.Until.High-c.Until.Low))
	for node := range c.Nodes {
		first := -r.history + time.Duration(r.random.Float64()*float64(c.Period))
		for at := first; at < min(until, maxHold); at += c.Period {
			r.checks = append(r.checks, check{at, node})
		}
	}
	slices.SortFunc(r.checks, func(a, b check) int { return int(a.at - b.at) })
}
