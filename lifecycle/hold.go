package lifecycle

import (
	"time"

	"lameduck/lifecycle/silence"
)

// A Hold determines how long a drain keeps serving before the app is released: until Min has
// passed, nothing is in flight and no more requests are expected, but at most for Max.
type Hold struct {
	Min   time.Duration // from the drain's start; zero means that the hold may end at once
	Quiet time.Duration // shortest silence that is required of every source
	Max   time.Duration // from the drain's start; zero means that there is no hold
	// Risk is the probability of one more request below which the hold ends. At 1 only Quiet
	// counts.
	Risk float64
	// LBDelay is the longest time that an idle pod is held while load balancers continue to check
	// its health. Zero means that it is held for Min.
	LBDelay time.Duration
	// Escalate is the time from the drain's start after which readiness fails if new connections
	// still come. Zero means never.
	Escalate time.Duration
}

// Rule returns when traffic counts as ended.
func (h Hold) Rule() silence.Rule {
	return silence.Rule{Quiet: h.Quiet, Risk: h.Risk, Longest: h.Max + h.Max/6}
}

// Facts are what the end of a hold depends on.
type Facts struct {
	Elapsed     time.Duration // since the drain's start
	InFlight    int           // exchanges
	SilentIn    time.Duration // until traffic has ended; not positive if it has
	ChecksIn    time.Duration // until health checks count as stopped, for an idle pod; else zero
	AppGone     bool          // nothing can be served
	Interrupted bool          // an interrupt was received twice
}

// A Reason is why a hold has ended.
type Reason uint8

// The reasons.
const (
	NotEnded         Reason = iota
	EndedQuiet              // the traffic has ended
	EndedMax                // Max has passed; what is in flight is cut
	EndedAppGone            // the app has exited by itself
	EndedInterrupted        // it was interrupted twice
	EndedStopSignal         // a native sidecar got its stop signal while the app was still there
)

var reasonNames = [...]string{"not_ended", "quiet", "max", "app_gone", "interrupted", "stop_signal"}

func (r Reason) String() string { return reasonNames[r] }

// Reasons are all reasons for which a hold ends.
func Reasons() []Reason {
	return []Reason{EndedQuiet, EndedMax, EndedAppGone, EndedInterrupted, EndedStopSignal}
}

// cuts reports whether what is in flight at the end of the hold is cut.
func (r Reason) cuts() bool {
	return r == EndedMax || r == EndedInterrupted || r == EndedStopSignal
}

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
		return NotEnded, min(h.between(), left)
	case f.SilentIn > 0:
		return NotEnded, min(f.SilentIn, h.between(), left)
	}
	if wait := min(f.ChecksIn, h.checked()-f.Elapsed); wait > 0 {
		return NotEnded, min(wait, h.between(), left)
	}
	return EndedQuiet, 0
}

// between is the time between two looks. An exchange that begins or ends in between is followed by
// at least Quiet, so nothing is missed.
func (h Hold) between() time.Duration { return max(h.Quiet, shortestWait) }

// checked is how long health checks can extend the hold of an idle pod: never to Max.
func (h Hold) checked() time.Duration { return min(h.LBDelay, h.Max-h.between()) }

// Escalates reports whether readiness should fail: new connections still arrive so late in the hold
// that the pod's readiness may be the reason.
func (h Hold) Escalates(elapsed, lastConnection time.Duration) bool {
	return h.Escalate > 0 && elapsed >= h.Escalate &&
		lastConnection > 0 && elapsed-lastConnection < max(h.Quiet, time.Second)
}
