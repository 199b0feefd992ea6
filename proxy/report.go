package proxy

import (
	"time"

	"lameduck/lifecycle/silence"
)

// Outlook returns how many exchanges are in flight and how long it takes until every other source has been silent for as
// long as rule requires; zero or less when all have. Health probes are no exchanges here.
func (s *Server) Outlook(rule silence.Rule) (inFlight int, silentIn time.Duration) {
	now := s.now()
	inFlight, silentAt := s.sources.Outlook(rule, now)
	return inFlight, silentAt - now
}

// Seen returns how many exchanges have begun since Drain, how long after it the last of them did, and how many
// connections have ended so far, by what ended them.
func (s *Server) Seen() (exchanges uint64, last time.Duration, ended map[string]uint64) {
	ended = make(map[string]uint64, endings)
	for e := endedByClient; e < endings; e++ {
		ended[e.String()] = s.stats.ended[e].Load()
	}
	if exchanges = s.stats.drainExchanges.Load(); exchanges > 0 {
		last = time.Duration(s.stats.lastInDrain.Load() - s.drainStart.Load())
	}
	return exchanges, last, ended
}
