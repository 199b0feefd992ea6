package silence

import (
	"sync"
	"sync/atomic"
	"time"
)

// Window is how long the rhythm of a source is remembered at full weight. Gaps that are longer than
// that do not count.
const Window = 10 * time.Minute

// never stands for the time of something that has not happened. All times are after it.
const never = -1 << 62

// A Source is the rhythm of the exchanges that come from one address or, past the tracker's limit,
// from several that are merged. Its methods may be called by any goroutine.
type Source struct {
	tracker *Tracker // nil for the pools of newcomers

	class     atomic.Uint32
	inFlight  atomic.Int64
	opened    atomic.Int64 // when the newest connection was opened, in nanoseconds since the epoch
	lastBegin atomic.Int64 // when the last exchange began, in the same unit
	lastEnd   atomic.Int64 // when the last exchange ended
	exchanges atomic.Uint64
	rhythm    rhythm
	longest   atomic.Int64 // gap of the current window, in nanoseconds
	windowEnd atomic.Int64

	pauses *pauses // the tracker's

	mu       sync.Mutex
	since    time.Duration // when the counting of exchanges began
	missed   time.Duration // how long nothing had been watched before that
	previous time.Duration // longest gap of the window before

	users int // connections that hold the source; guarded by the tracker's mutex
}

// established is the number of gaps from which on a source has a rhythm of its own. Below it the
// source is judged together with the other newcomers of its class.
const established = 4

func (s *Source) init(now time.Duration, p *pauses) {
	s.pauses = p
	s.since, s.missed = now, p.total()
	s.opened.Store(never)
	s.lastBegin.Store(never)
	s.lastEnd.Store(never)
	s.windowEnd.Store(int64(now + 2*Window)) // so that the counts are those of a window when halved
}

// Classify moves the source to a class, unless it is in a more cautious one.
func (s *Source) Classify(c Class) {
	for {
		old := s.class.Load()
		if old >= uint32(c) || s.class.CompareAndSwap(old, uint32(c)) {
			return
		}
	}
}

// Class returns the class of the source.
func (s *Source) Class() Class { return Class(s.class.Load()) }

// Begin records that an exchange begins at now.
func (s *Source) Begin(now time.Duration) {
	if int64(now) >= s.windowEnd.Load() {
		s.rotate(now)
	}
	if s.exchanges.Add(1) <= established && s.tracker != nil {
		s.tracker.newcomers[s.Class()].pass(now, s.opened.Load())
	}
	s.lastBegin.Store(int64(now))
	if s.inFlight.Add(1) > 1 {
		return
	}
	if last := time.Duration(s.lastEnd.Load()); last != never && !s.pauses.explain(last, now) {
		s.record(now - last)
	}
}

// End records that an exchange ends at now. Begin has been called for it.
func (s *Source) End(now time.Duration) {
	s.lastEnd.Store(int64(now))
	s.inFlight.Add(-1)
}

// pass records an exchange that takes no time, on a connection that was opened at the given time.
func (s *Source) pass(now time.Duration, opened int64) {
	raise(&s.opened, time.Duration(opened))
	s.Begin(now)
	s.End(now)
}

// record adds a gap to the rhythm.
func (s *Source) record(gap time.Duration) {
	if gap > Window {
		return
	}
	if s.tracker != nil && s.tracker.draining() {
		gap = time.Duration(float64(gap) / stretch)
	}
	s.rhythm.record(gap)
	for {
		longest := s.longest.Load()
		if int64(gap) <= longest || s.longest.CompareAndSwap(longest, int64(gap)) {
			return
		}
	}
}

// rotate begins a new window if the current one is over: what was seen before counts half.
func (s *Source) rotate(now time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	end := time.Duration(s.windowEnd.Load())
	if now < end {
		return
	}
	s.previous = time.Duration(s.longest.Swap(0))
	if now-end >= Window {
		s.previous = 0
	}
	s.rhythm.halve()
	s.exchanges.Store(s.exchanges.Load() / 2)
	s.since = now - (now-s.since)/2
	s.missed = (s.missed + s.pauses.total()) / 2
	s.windowEnd.Store(int64(now + Window))
}

// memory returns the longest gap that is remembered at now, and for how long exchanges have been
// counted.
func (s *Source) memory(now time.Duration) (longest, counted time.Duration) {
	s.rotate(now)
	s.mu.Lock()
	defer s.mu.Unlock()
	counted = now - s.since - (s.pauses.total() - s.missed)
	return max(time.Duration(s.longest.Load()), s.previous), counted
}

// raise sets t to now unless it is later.
func raise(t *atomic.Int64, now time.Duration) {
	for {
		old := t.Load()
		if old >= int64(now) || t.CompareAndSwap(old, int64(now)) {
			return
		}
	}
}
