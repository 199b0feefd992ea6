package lifecycle

import (
	"time"

	"lameduck/lifecycle/silence"
)

// A Decision decides when a hold ends, as [Lifecycle.Run] does. It asks no clock, so simulations
// use it in virtual time.
type Decision struct{ state *holdState }

// NewDecision returns the decision about a hold of a drain that begins at start.
func NewDecision(h Hold, start time.Time) Decision { return Decision{newHoldState(h, start)} }

// Look returns why the hold has ended or, if it has not, when to look again at the latest.
func (d Decision) Look(now time.Time, f silence.Forecast) (Reason, time.Duration) {
	return d.state.look(now, f)
}
