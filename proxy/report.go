package proxy

import (
	"time"

	"lameduck/lifecycle/silence"
)

// Outlook returns what the rule makes of the sources. Health probes are no exchanges here.
func (s *Server) Outlook(rule silence.Rule) silence.Outlook { return s.sources.Outlook(rule, s.now()) }

// Seen returns how many exchanges have begun since Drain, how long after it the last of them did, how many have not been answered
// since then because the app ended their connections, and how many connections have ended so far, by what they spoke and by what ended
// them; what there was none of is left out.
func (s *Server) Seen() (exchanges uint64, last time.Duration, unanswered uint64, ended map[string]map[string]uint64) {
	ended = make(map[string]map[string]uint64)
	for _, p := range counted {
		for e := endedByClient; e < endings; e++ {
			n := s.stats.ended[p][e].Load()
			if n == 0 {
				continue
			}
			if ended[p.String()] == nil {
				ended[p.String()] = make(map[string]uint64)
			}
			ended[p.String()][e.String()] = n
		}
	}
	if exchanges = s.stats.drainExchanges.Load(); exchanges > 0 {
		last = time.Duration(s.stats.lastInDrain.Load() - s.drainStart.Load())
	}
	return exchanges, last, s.stats.drainUnanswered.Load(), ended
}
