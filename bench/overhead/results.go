package main

import "fmt"

// results are all values of a run, in the order in which they came.
type results struct {
	series []*series
	notes  []string
}

// A series is what one metric was, round by round.
type series struct {
	Case, Peer, Metric string
	Values             []float64
}

// add keeps the values of one step.
func (r *results) add(s step, m measurement) {
	for _, metric := range s.Case.Metrics {
		if v, ok := m.Values[metric.Name]; ok {
			found := r.find(s.Case.Name, s.Peer.Name, metric.Name)
			found.Values = append(found.Values, v)
		}
	}
	for _, note := range m.Notes {
		r.notes = append(r.notes, fmt.Sprintf("%s: %s", s, note))
	}
}

// find returns the series, new and empty if there is none.
func (r *results) find(caseName, peer, metric string) *series {
	for _, s := range r.series {
		if s.Case == caseName && s.Peer == peer && s.Metric == metric {
			return s
		}
	}
	s := &series{Case: caseName, Peer: peer, Metric: metric}
	r.series = append(r.series, s)
	return s
}

// values returns what was measured, nil if nothing was.
func (r *results) values(caseName, peer, metric string) []float64 {
	for _, s := range r.series {
		if s.Case == caseName && s.Peer == peer && s.Metric == metric {
			return s.Values
		}
	}
	return nil
}
