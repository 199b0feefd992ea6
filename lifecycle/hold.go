package lifecycle

import (
	"time"

	"lameduck/lifecycle/silence"
)

// A Hold says how long a drain keeps serving before the app is let go: until Min has passed, nothing is in flight and
// every source of requests has been silent for as long as its rhythm requires, but for Max at most.
type Hold struct {
	Min    time.Duration // from the drain's start. Zero: the hold may end at once
	Quiet  time.Duration // the shortest silence that is required of a source. Zero: only its rhythm counts
	Max    time.Duration // from the drain's start. Zero: there is no hold
	Factor float64       // the silence that is required of a source, in its longest recent gaps. Zero: Quiet alone
}

// Rule is what the hold requires of a source.
func (h Hold) Rule() silence.Rule { return silence.Rule{Quiet: h.Quiet, Factor: h.Factor} }

// Facts are what the end of a hold depends on.
type Facts struct {
	Elapsed  time.Duration // since the drain's start
	InFlight int           // exchanges
	SilentIn time.Duration // until every source without an exchange in flight has been silent for long enough; <= 0: it has
	AppGone  bool          // nothing can be served any more
	Ordered  bool          // an operator wants the end at once
}

// A Reason is why a hold has ended.
type Reason uint8

// The reasons.
const (
	NotEnded     Reason = iota
	EndedQuiet          // the traffic has gone
	EndedMax            // the time was up; what was left is cut
	EndedAppGone        // the app has ended by itself
	EndedOrdered        // it was interrupted twice
)

var reasonNames = [...]string{"not_ended", "quiet", "max", "app_gone", "interrupted"}

func (r Reason) String() string { return reasonNames[r] }

// Reasons are all reasons for which a hold ends.
func Reasons() []Reason { return []Reason{EndedQuiet, EndedMax, EndedAppGone, EndedOrdered} }

// shortestWait bounds how often facts are looked at when Quiet is zero and exchanges are in flight.
const shortestWait = 50 * time.Millisecond

// Next tells why the hold has ended or, when it has not, how long it lasts at least: facts are not worth looking at before.
func (h Hold) Next(f Facts) (Reason, time.Duration) {
	left := h.Max - f.Elapsed
	switch {
	case f.Ordered:
		return EndedOrdered, 0
	case f.AppGone:
		return EndedAppGone, 0
	case left <= 0:
		return EndedMax, 0
	case f.Elapsed < h.Min:
		return NotEnded, min(h.Min-f.Elapsed, left)
	case f.InFlight > 0:
		// Whatever ends after this moment is followed by Quiet at least, so nothing is missed by looking again then.
		return NotEnded, min(max(h.Quiet, shortestWait), left)
	case f.SilentIn > 0:
		return NotEnded, min(f.SilentIn, left)
	}
	return EndedQuiet, 0
}
