package lifecycle

import (
	"time"

	"lameduck/lifecycle/silence"
)

// A Hold is how long a drain keeps serving before the app is released: until Min has passed,
// nothing is in flight and no more requests are to be expected, but for Max at most.
type Hold struct {
	Min   time.Duration // from the drain's start; zero means that the hold may end at once
	Quiet time.Duration // shortest silence that is required of every source
	Max   time.Duration // from the drain's start; zero means that there is no hold
	// Risk is the probability of one more request below which the hold ends. At 1 only Quiet counts.
	Risk float64
}

// Rule returns when traffic counts as ended.
func (h Hold) Rule() silence.Rule {
	return silence.Rule{Quiet: h.Quiet, Risk: h.Risk, Longest: h.Max + h.Max/6}
}

// Facts are what the end of a hold depends on.
type Facts struct {
	Elapsed     time.Duration // since the drain's start
	InFlight    int           // exchanges
	SilentIn    time.Duration // until traffic has ended if no more requests arrive; not positive if it has
	AppGone     bool          // nothing can be served
	Interrupted bool          // twice
}

// A Reason is why a hold has ended.
type Reason uint8

// The reasons.
const (
	NotEnded         Reason = iota
	EndedQuiet              // the traffic has ended
	EndedMax                // the time was up; what was left is cut
	EndedAppGone            // the app has exited by itself
	EndedInterrupted        // it was interrupted twice
)

var reasonNames = [...]string{"not_ended", "quiet", "max", "app_gone", "interrupted"}

func (r Reason) String() string { return reasonNames[r] }

// Reasons are all reasons for which a hold ends.
func Reasons() []Reason { return []Reason{EndedQuiet, EndedMax, EndedAppGone, EndedInterrupted} }

// shortestWait is the shortest time between two looks while exchanges are in flight.
const shortestWait = 50 * time.Millisecond

// Next returns why the hold has ended or, if it has not, how long it lasts at least.
func (h Hold) Next(f Facts) (Reason, time.Duration) {
	left := h.Max - f.Elapsed
	switch {
	case f.Interrupted:
		return EndedInterrupted, 0
	case f.AppGone:
		return EndedAppGone, 0
	case left <= 0:
		return EndedMax, 0
	case f.Elapsed < h.Min:
		return NotEnded, min(h.Min-f.Elapsed, left)
	case f.InFlight > 0:
		// An exchange that ends after this moment is followed by Quiet at least, so nothing is
		// missed.
		return NotEnded, min(max(h.Quiet, shortestWait), left)
	case f.SilentIn > 0:
		return NotEnded, min(f.SilentIn, left)
	}
	return EndedQuiet, 0
}
