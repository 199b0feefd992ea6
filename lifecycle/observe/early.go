package observe

import "time"

// early holds the visits from before the kubelet's first probe of Lameduck itself, which reveals
// the kubelet's address. Some of them may be its probes of the app. Counted as traffic, those would
// begin a rhythm with a long pause, and the hold would wait for another such pause.
type early struct {
	waits  bool // for the kubelet's address
	visits []visit
}

// The kubelet probes Lameduck at least every five seconds. Visits that are still undecided earlyFor
// after the first one, or when a drain begins, are traffic, and so are all later ones.
const (
	earlyFor  = 6 * time.Second
	maxVisits = 128
)

// add keeps a visit, and reports whether there is room.
func (e *early) add(v visit) bool {
	if !e.waits || len(e.visits) == maxVisits {
		return false
	}
	e.visits = append(e.visits, v)
	return true
}

// due returns when the visits have to be decided. It is never if there are none.
func (e *early) due() time.Duration {
	if len(e.visits) == 0 {
		return never
	}
	return e.visits[0].ended + earlyFor
}

// never is later than any time.
const never = time.Duration(1<<63 - 1)

// decideEarly classifies the early visits by what is known now.
func (f *flows) decideEarly() {
	visits := f.early.visits
	f.early = early{}
	for _, v := range visits {
		if !f.isProbe(v) {
			f.countTraffic(v)
		}
	}
}
