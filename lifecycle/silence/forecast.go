package silence

import (
	"cmp"
	"time"
)

// A Rule says when traffic counts as ended.
type Rule struct {
	// Quiet is the shortest silence that is required of every source.
	Quiet time.Duration
	// Risk is the probability of one more request below which traffic has ended. At 1 only Quiet
	// counts.
	Risk float64
	// Longest is the longest delay of a load balancer that is considered. Zero means 130 s.
	Longest time.Duration
}

// defaultLongest is the longest delay that a rule considers by default.
const defaultLongest = 130 * time.Second

func (r Rule) longest() time.Duration { return cmp.Or(r.Longest, defaultLongest) }

func (r Rule) delays() []float64 { return delaysUpTo(r.longest()) }

// A Forecast is whether more requests are expected of the sources, and why.
type Forecast struct {
	// InFlight is the number of exchanges in flight.
	InFlight int
	// SilentIn is the time until traffic has ended if no more requests arrive, and zero if it has.
	// It does not depend on exchanges that are in flight.
	SilentIn time.Duration
	// Required is the silence that is required after the last exchange: Quiet if traffic has ended,
	// zero if there is no source.
	Required time.Duration
	// More is the probability that at least one more request arrives.
	More float64
	// Class is the class from which one is most likely, Direct if none is.
	Class Class
	// Idle reports whether the pod has too little traffic to draw conclusions from its silence.
	Idle bool
	// ChecksIn is the time until all health checks are considered stopped if no more come: until
	// three of their periods have passed. It is zero if they have stopped, or if there were none.
	ChecksIn time.Duration
	// LastRequest and LastConnection are the times from the drain's start to the start of the last
	// exchange, and to the opening of the last connection with one. Zero means that there was none
	// since.
	LastRequest, LastConnection time.Duration
	// Checks are the times from the drain's start to the last health check of each kind. Zero means
	// that there was none since.
	Checks [Checkers]time.Duration
}

// Forecast returns the forecast at now. Without a drain, it is the forecast for a drain that begins
// at now.
func (t *Tracker) Forecast(rule Rule, now time.Duration) Forecast {
	w := t.snapshot(now)
	var f Forecast
	last := time.Duration(never)
	for i := range w.sources {
		s := &w.sources[i]
		f.InFlight += int(s.inFlight)
		last = max(last, s.lastEnd)
		f.LastRequest = max(f.LastRequest, s.lastBegin-w.start)
		f.LastConnection = max(f.LastConnection, s.opened-w.start)
	}
	for kind, at := range w.lastCheck {
		f.Checks[kind] = max(0, at-w.start)
	}
	f.ChecksIn = max(0, w.checksStop-now)
	f.More, f.Class, f.Idle = w.more(rule.delays(), now)
	if last == never {
		return f
	}
	from := max(now, last+rule.Quiet)
	end := w.end(rule, from)
	f.SilentIn, f.Required = end-now, rule.Quiet
	if end > now {
		f.Required = end - last
	}
	return f
}
