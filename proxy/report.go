package proxy

import (
	"time"

	"lameduck/lifecycle/silence"
)

// Forecast returns whether more requests are expected of the clients. Health probes are not
// exchanges. Connections that are not served yet count as in flight, and silence begins once there
// are none.
func (s *Server) Forecast(rule silence.Rule) silence.Forecast {
	now := s.now()
	f := s.sources.Forecast(rule, now)
	if n := s.unwatched(); n > 0 {
		s.noteUnwatched()
		f.InFlight += n
	}
	if at := s.unwatchedAt.Load(); at != 0 {
		if in := rule.Quiet - (now - time.Duration(at)); in > f.SilentIn {
			f.SilentIn, f.Required = in, rule.Quiet
		}
	}
	return f
}

// unwatched returns how many connections wait to be accepted or for the app: their requests are
// still in the kernel.
func (s *Server) unwatched() int { return s.acceptQueue() + int(s.waiting.Load()) }

// acceptQueue returns how many connections wait to be accepted.
func (s *Server) acceptQueue() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for a := range s.acceptors {
		n += a.unwatched()
	}
	return n
}

// Ended returns how many connections have ended.
func (s *Server) Ended() (n uint64) {
	for p := range s.stats.ended {
		for e := range s.stats.ended[p] {
			n += s.stats.ended[p][e].Load()
		}
	}
	return n
}

// DrainStats are the counts of a drain.
type DrainStats struct {
	Exchanges    uint64        // that began after Drain
	LastExchange time.Duration // from Drain to the begin of the last of them
	Unanswered   uint64        // exchanges that the app has not answered before it ended the connection
	// Ended counts the connections that have ended so far, by protocol, then by what ended them.
	// Counts of zero are left out.
	Ended map[string]map[string]uint64
}

// DrainStats returns the counts so far.
func (s *Server) DrainStats() DrainStats {
	d := DrainStats{
		Exchanges:  s.stats.drainExchanges.Load(),
		Unanswered: s.stats.drainUnanswered.Load(),
		Ended:      make(map[string]map[string]uint64),
	}
	if d.Exchanges > 0 {
		d.LastExchange = time.Duration(s.stats.lastInDrain.Load() - s.drainStart.Load())
	}
	for _, p := range counted {
		for e := endedByClient; e < endings; e++ {
			n := s.stats.ended[p][e].Load()
			if n == 0 {
				continue
			}
			if d.Ended[p.String()] == nil {
				d.Ended[p.String()] = make(map[string]uint64)
			}
			d.Ended[p.String()][e.String()] = n
		}
	}
	return d
}

// Answering returns the number of connections with something in flight of which the app has not ended
// its side.
func (s *Server) Answering() (n int) {
	for _, c := range s.all() {
		c.mu.Lock()
		s := c.life.states[fromApp]
		if c.app != nil && s != away && s != done && c.inFlightLocked() > 0 {
			n++
		}
		c.mu.Unlock()
	}
	return n
}

// Undelivered returns the number of connections with a client that is still receiving: it has
// received a part of what is under way since the last call, or something is under way for the first
// time.
func (s *Server) Undelivered() (n int) {
	for _, c := range s.all() {
		c.mu.Lock()
		if isReceiving(c.client, &c.unread.byHold) {
			n++
		}
		c.mu.Unlock()
	}
	return n
}
