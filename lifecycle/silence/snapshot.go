package silence

import (
	"net/netip"
	"time"
)

// A snapshot is what is known of all sources at one time.
type snapshot struct {
	start      time.Duration // of the drain
	sources    []state
	newcomers  *[classes]Source
	checksStop time.Duration
	lastCheck  [Checkers]time.Duration
}

// A state is what is known of one source.
type state struct {
	*Source
	class                      Class
	inFlight                   int64
	opened, lastBegin, lastEnd time.Duration
	rate                       float64       // requests per second
	longest                    time.Duration // gap
	kept                       bool          // it has connections, and nothing is in flight
	gaps                       survival      // distribution of its gaps
	checksStop                 time.Duration // when its health checks are considered stopped
}

// snapshot holds the lock no longer than it takes to list the sources.
func (t *Tracker) snapshot(now time.Duration) snapshot {
	w := snapshot{start: now, newcomers: &t.newcomers}
	if start := t.start.Load(); start != 0 {
		w.start = time.Duration(start)
	}
	t.mu.Lock()
	w.sources = t.statesLocked()
	w.checksStop, w.lastCheck = t.checksStopLocked(), t.lastCheck
	t.mu.Unlock()
	for i := range w.sources {
		w.sources[i].look(now)
	}
	return w
}

func (t *Tracker) statesLocked() []state {
	if !t.started {
		return nil
	}
	all := make([]state, 0, len(t.addresses)+len(t.groups)+1)
	add := func(s *Source, checksStop time.Duration) {
		all = append(all, state{Source: s, kept: s.users > 0, checksStop: checksStop})
	}
	for addr, s := range t.addresses {
		add(s, t.stopLocked(addr))
	}
	for _, s := range t.groups {
		add(s, forever)
	}
	add(&t.others, forever)
	return all
}

// forever is later than any time.
const forever = time.Duration(1 << 62)

// stopLocked returns when the health checks of an address are considered stopped. It returns
// forever if there are none, since that proves nothing.
func (t *Tracker) stopLocked(addr netip.Addr) time.Duration {
	if c, ok := t.checks[addr]; ok {
		if at, ok := c.stopsAt(); ok {
			return at
		}
	}
	return forever
}

// look reads the source.
func (s *state) look(now time.Duration) {
	s.class = s.Class()
	s.inFlight = s.Source.inFlight.Load()
	s.opened = time.Duration(s.Source.opened.Load())
	s.lastBegin = time.Duration(s.Source.lastBegin.Load())
	s.lastEnd = time.Duration(s.Source.lastEnd.Load())
	s.kept = s.kept && s.inFlight == 0
	var counted time.Duration
	s.longest, counted = s.memory(now)
	s.gaps.load(&s.rhythm, s.longest)
	s.rate = float64(s.exchanges.Load()) / max(counted, time.Second).Seconds()
}

// suspect returns the state of the source at a time. It reports false if the source has no rhythm.
func (s *state) suspect(start, now time.Duration) (p suspect, ok bool) {
	if s.lastEnd == never {
		return p, false
	}
	p.survival = &s.gaps
	routed := s.lastBegin
	if s.class == Direct {
		routed = s.opened // what comes by a connection from before the drain needs no route
	}
	p.last = (s.lastEnd - start).Seconds()
	p.routed = (routed - start).Seconds()
	p.rate = s.rate
	p.kept = s.kept && s.class == Direct
	p.stopped = now > s.checksStop
	return p, p.count >= established
}

// opinions returns the judgments at a time, by class. Sources without a rhythm of their own are
// judged together.
func (w *snapshot) opinions(delays []float64, now time.Duration) (all [classes]judgment) {
	elapsed := (now - w.start).Seconds()
	var newcomers [classes]bool
	for i := range w.sources {
		s := &w.sources[i]
		if p, ok := s.suspect(w.start, now); ok {
			all[s.class].add(&p, s.class, delays, elapsed)
		} else if s.lastEnd != never {
			newcomers[s.class] = true
		}
	}
	for c := range newcomers {
		if !newcomers[c] {
			continue
		}
		pool := state{Source: &w.newcomers[c], checksStop: forever}
		pool.look(now)
		if p, ok := pool.suspect(w.start, now); ok {
			all[c].add(&p, Class(c), delays, elapsed)
		}
	}
	return all
}

// more returns the probability that at least one more request arrives after now, and the class from
// which that is most likely. It reports idle if no source has a rhythm, alone or with others.
func (w *snapshot) more(delays []float64, now time.Duration) (p float64, likely Class, idle bool) {
	none, most, idle := 1.0, 0.0, true
	for c, g := range w.opinions(delays, now) {
		if g.usual.sources == 0 {
			continue
		}
		idle = false
		q := g.more(delays)
		if none *= 1 - q; q > most {
			most, likely = q, Class(c)
		}
	}
	return 1 - none, likely, idle
}

// resolution is how exactly the end of traffic is forecast.
const resolution = 50 * time.Millisecond

// end returns when traffic has ended, not before from, if no more requests arrive.
func (w *snapshot) end(rule Rule, from time.Duration) time.Duration {
	delays := rule.delays()
	ended := func(at time.Duration) bool {
		p, _, _ := w.more(delays, at)
		return p < rule.Risk
	}
	if rule.Risk >= 1 || ended(from) {
		return from
	}
	before, after := from, from+time.Second/4
	for horizon := from + 2*rule.longest(); !ended(after) && after < horizon; {
		before, after = after, after+2*(after-before)
	}
	for after-before > resolution {
		if middle := (before + after) / 2; ended(middle) {
			after = middle
		} else {
			before = middle
		}
	}
	return after
}
