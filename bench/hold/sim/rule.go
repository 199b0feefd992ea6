package sim

import (
	"fmt"
	"math"
	"time"
)

// A Rule decides when a hold ends.
type Rule struct {
	Name  string
	Title string
	// end returns when the hold ends. It is nil for Lameduck's rule, which sees the history too.
	end func(r *rollout, requests []request) time.Duration
}

// The hold is the one that the promises are made for.
const (
	minHold = 5 * time.Second
	quiet   = 5 * time.Second
	maxHold = 112 * time.Second
)

// Rules are Lameduck's rule, and those that it is compared with.
func Rules() []Rule {
	rules := []Rule{
		{Name: "lameduck", Title: "Lameduck"},
		{Name: "longest-gap", Title: "each source silent for 3 of its longest gaps", end: longestGaps(3)},
	}
	for _, d := range []time.Duration{5 * time.Second, 15 * time.Second, 30 * time.Second} {
		rules = append(rules, Rule{
			Name: fmt.Sprintf("quiet-%.0f", d.Seconds()), Title: fmt.Sprintf("no request for %v", d),
			end: quietTime(d),
		})
	}
	for _, d := range []time.Duration{15 * time.Second, 60 * time.Second} {
		rules = append(rules, Rule{
			Name: fmt.Sprintf("sleep-%.0f", d.Seconds()), Title: fmt.Sprintf("sleep %v", d),
			end: func(*rollout, []request) time.Duration { return d },
		})
	}
	return rules
}

// quietTime ends the hold when no request has come for a time.
func quietTime(d time.Duration) func(*rollout, []request) time.Duration {
	return func(_ *rollout, requests []request) time.Duration {
		end := minHold
		for _, q := range requests {
			if q.at > end {
				break
			}
			end = max(end, q.at+d)
		}
		return min(end, maxHold)
	}
}

// longestGaps ends the hold when each source has been silent for some of its longest gaps, and for
// the quiet time at least.
func longestGaps(factor float64) func(*rollout, []request) time.Duration {
	required := func(gap time.Duration) time.Duration {
		return max(quiet, time.Duration(factor*float64(gap)))
	}
	return func(r *rollout, requests []request) time.Duration {
		last, longest := make([]time.Duration, len(r.sources)), make([]time.Duration, len(r.sources))
		end := minHold
		until := func(i int) time.Duration { return last[i] + required(longest[i]) }
		for i, s := range r.sources {
			last[i], longest[i] = s.last, s.longest
			if s.last == math.MinInt64 {
				last[i] = -r.history // as if it were gone
			}
			end = max(end, until(i))
		}
		for _, q := range requests {
			if q.at > min(end, maxHold) {
				break
			}
			longest[q.source] = max(longest[q.source], q.at-last[q.source])
			last[q.source] = q.at
			end = max(end, until(q.source))
		}
		return min(end, maxHold)
	}
}
