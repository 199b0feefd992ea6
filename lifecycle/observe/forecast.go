package observe

import (
	"time"

	"lameduck/lifecycle/silence"
)

// Forecast returns the forecast for the observed connections. Only silence that has been watched
// counts, so a hold ends only right after a dump.
func (o *Observer) Forecast(rule silence.Rule) silence.Forecast {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.drainLocked()
	now := o.now()
	if o.blind {
		return o.blindLocked(rule, now)
	}
	tracker := &o.flows.traffic.tracker
	f := tracker.Forecast(rule, now)
	if f.InFlight > 0 || f.SilentIn == 0 {
		if now-o.tried > freshness(o.cost) {
			o.lookLocked(now)
		}
		if o.blind {
			return o.blindLocked(rule, now)
		}
		f = tracker.Forecast(rule, max(o.flows.looked, o.flows.traffic.last))
	}
	f.InFlight += o.flows.queue
	if o.flows.undecided > 0 {
		o.waitLocked(&f, undecidedFor/10)
	}
	if o.pauses.atStart { // what was not watched is not silence
		o.waitLocked(&f, o.start+rule.Quiet-now)
	}
	if o.flows.unmeasured || o.missesLocked() { // kept connections may be busy, and short ones come
		o.waitLocked(&f, o.untilRoutedAwayLocked(now))
	}
	return f
}

// blindLocked returns the forecast while no sockets can be read.
func (o *Observer) blindLocked(rule silence.Rule, now time.Duration) silence.Forecast {
	f := o.flows.traffic.tracker.Forecast(rule, now)
	f.InFlight = 0 // as far as is known
	o.waitLocked(&f, o.untilRoutedAwayLocked(now))
	return f
}

// waitLocked makes the forecast predict silence in d at the earliest.
func (o *Observer) waitLocked(f *silence.Forecast, d time.Duration) {
	if d > f.SilentIn {
		f.SilentIn, f.Class, f.Idle = d, silence.Observed, false
	}
}

// untilRoutedAwayLocked returns the time until load balancers have stopped routing to the pod, as
// configured.
func (o *Observer) untilRoutedAwayLocked(now time.Duration) time.Duration {
	switch {
	case !o.only: // the relay sees the traffic
		return 0
	case !o.draining:
		return o.config.LBDelay
	}
	return max(0, o.start+o.config.LBDelay-now)
}
