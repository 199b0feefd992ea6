package observe

import "time"

// early is visits from before the kubelet's address is known, which is with its first probe of Lameduck
// itself. Some of them may be its probes of the app. Taken for traffic, these would begin a
// rhythm with a long pause, and the hold would wait for another pause.
type early struct {
	waits  bool // for the kubelet's address
	visits []visit
}

// The kubelet probes Lameduck every five seconds or more often. What is not decided when earlyFor has
// passed since the first visit, or when a drain begins, is traffic, and so is every visit from then on.
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

// due returns when the visits are to be decided on: never, if there are none.
func (e *early) due() time.Duration {
	if len(e.visits) == 0 {
		return never
	}
	return e.visits[0].ended + earlyFor
}

// never is later than any time.
const never = time.Duration(1<<63 - 1)

// decideEarly decides on the early visits, by what is known now.
func (f *flows) decideEarly() {
	visits := f.early.visits
	f.early = early{}
	for _, v := range visits {
		if !f.isProbe(v) {
			f.countTraffic(v)
		}
	}
}
