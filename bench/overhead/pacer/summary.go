package main

import (
	"math"
	"slices"
	"time"
)

// A summary is the printed result. Times are in microseconds.
type summary struct {
	Requests int     `json:"requests"`
	Seconds  float64 `json:"seconds"` // from the first request to the last answer
	P50      float64 `json:"p50"`
	P99      float64 `json:"p99"`
	// LateP50 and LateP99 are the lateness of the load itself: from the time at which requests were
	// due until it woke up.
	LateP50 float64 `json:"late_p50"`
	LateP99 float64 `json:"late_p99"`
}

func (l *load) summary() summary {
	return summary{
		Requests: len(l.latency),
		Seconds:  l.now().Seconds(),
		P50:      quantile(l.latency, 0.50),
		P99:      quantile(l.latency, 0.99),
		LateP50:  quantile(l.late, 0.50),
		LateP99:  quantile(l.late, 0.99),
	}
}

// quantile returns the smallest value that at least the share q of all values does not exceed, in
// microseconds.
func quantile(values []time.Duration, q float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	rank := max(1, int(math.Ceil(q*float64(len(sorted)))))
	return float64(sorted[rank-1]) / float64(time.Microsecond)
}
