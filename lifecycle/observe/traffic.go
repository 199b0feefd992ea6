package observe

import (
	"net/netip"
	"time"

	"lameduck/lifecycle/silence"
)

// traffic records the activity of the sources of observed connections. Times are since the
// observer's start.
type traffic struct {
	tracker silence.Tracker
	clocks  map[*silence.Source]time.Duration // of the last event, since dumps report late
	last    time.Duration                     // event of all sources
	any     bool
}

// unknown is the source of traffic whose real source was not seen.
var unknown netip.Addr

func (t *traffic) acquire(addr netip.Addr, opened time.Duration) *silence.Source {
	s := t.tracker.Acquire(addr, opened)
	s.Classify(silence.Observed)
	return s
}

func (t *traffic) release(s *silence.Source) { t.tracker.Release(s) }

// begin records that an exchange begins. Begin and end may be called with times in the past; each
// source's times are made to increase.
func (t *traffic) begin(s *silence.Source, at time.Duration) { s.Begin(t.advance(s, at)) }

func (t *traffic) end(s *silence.Source, at time.Duration) { s.End(t.advance(s, at)) }

// pass records an exchange that is over.
func (t *traffic) pass(s *silence.Source, begin, end time.Duration) {
	t.begin(s, begin)
	t.end(s, end)
}

// passFrom records an exchange on a connection that is not open any more.
func (t *traffic) passFrom(addr netip.Addr, at time.Duration) {
	s := t.acquire(addr, at)
	t.pass(s, at, at)
	t.release(s)
}

// maxClocks bounds the clocks. Those of forgotten sources are dropped with all others.
const maxClocks = 4 * silence.MaxSources

func (t *traffic) advance(s *silence.Source, at time.Duration) time.Duration {
	if t.clocks == nil || len(t.clocks) > maxClocks {
		t.clocks = make(map[*silence.Source]time.Duration)
	}
	at = max(at, t.clocks[s])
	t.clocks[s] = at
	t.last, t.any = max(t.last, at), true
	return at
}
