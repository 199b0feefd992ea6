package silence

import (
	"sync"
	"sync/atomic"
	"time"
)

// Window is how long a source's longest gap is remembered at least; twice that at most. A longer gap is no rhythm: the
// source counts as a new one.
const Window = 10 * time.Minute

// never is the end of the last exchange of a source that has had none.
const never = -1

// A Source is the rhythm of the exchanges that come from one address or, past the tracker's limits, from a group of
// addresses. Begin and End may be called by any goroutine.
type Source struct {
	inFlight atomic.Int64
	lastEnd  atomic.Int64 // of the last exchange, in nanoseconds since the epoch, or never
	known    atomic.Int64 // a gap up to this many nanoseconds changes nothing until forget
	forget   atomic.Int64 // when the current window ends

	mu   sync.Mutex
	gaps gaps

	users int // connections that hold the source; guarded by the tracker's mutex
}

func newSource() *Source {
	s := new(Source)
	s.lastEnd.Store(never)
	return s
}

// Begin tells that an exchange begins at now.
func (s *Source) Begin(now time.Duration) {
	if s.inFlight.Add(1) > 1 {
		return
	}
	last := s.lastEnd.Load()
	if last == never {
		return
	}
	gap := int64(now) - last
	if gap <= s.known.Load() && int64(now) < s.forget.Load() {
		return // the usual case: nothing to remember
	}
	s.record(now, time.Duration(gap))
}

// End tells that an exchange, one that Begin was told of, has ended at now.
func (s *Source) End(now time.Duration) {
	s.lastEnd.Store(int64(now))
	s.inFlight.Add(-1)
}

func (s *Source) record(now, gap time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gaps.record(now, gap)
	s.known.Store(int64(s.gaps.current))
	s.forget.Store(int64(s.gaps.end))
}

// longestGap returns the longest gap that is remembered at now.
func (s *Source) longestGap(now time.Duration) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gaps.longest(now)
}

// gaps keeps the longest gap of two windows, the current one and the one before it.
type gaps struct {
	end               time.Duration // when the current window ends
	current, previous time.Duration
}

func (g *gaps) record(now, gap time.Duration) {
	g.rotate(now)
	if gap <= Window {
		g.current = max(g.current, gap)
	}
}

func (g *gaps) longest(now time.Duration) time.Duration {
	g.rotate(now)
	return max(g.current, g.previous)
}

func (g *gaps) rotate(now time.Duration) {
	if now < g.end {
		return
	}
	g.previous = g.current
	if now-g.end >= Window {
		g.previous = 0
	}
	g.current = 0
	g.end = now + Window
}
