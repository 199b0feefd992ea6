package main

import "fmt"

// results are all values of a run, in the order in which they were measured.
type results struct {
	series []*series
	notes  []string
}

// A series has the values of one metric in each round.
type series struct {
	Case, Peer, Metric string
	Values             []float64
}

// add keeps the values of one step.
func (r *results) add(s step, measurements []measurement) {
	for i, m := range measurements {
		for _, metric := range s.Case.Metrics {
			if v, ok := m.Values[metric.Name]; ok {
				found := r.find(s.Case.Name, s.Peers[i].Name, metric.Name)
				found.Values = append(found.Values, v)
			}
		}
		for _, note := range m.Notes {
			r.notes = append(r.notes, fmt.Sprintf("%s: %s", s.of(s.Peers[i]), note))
		}
	}
}

// derive adds the values of derived metrics, which are differences from direct. If direct was not
// measured, it adds a note instead.
func (r *results) derive(cases []benchCase) {
	for _, c := range cases {
		for _, m := range c.Metrics {
			if m.Beyond != "" {
				r.deriveBeyond(c, m)
			}
		}
	}
}

func (r *results) deriveBeyond(c benchCase, m metric) {
	base := r.values(c.Name, direct, m.Beyond)
	if len(base) == 0 {
		r.notes = append(r.notes, fmt.Sprintf("%s: no %s without the peer %s", c.Name, m.Title, direct))
		return
	}
	for _, s := range r.series {
		matches := s.Case == c.Name && s.Metric == m.Beyond && s.Peer != direct
		if matches && len(s.Values) == len(base) {
			r.find(c.Name, s.Peer, m.Name).Values = minus(s.Values, base)
		}
	}
}

// ratio returns lameduck's value divided by a peer's. It reports false if there is none.
func (r *results) ratio(caseName, peer string, m metric) (float64, bool) {
	ours, theirs := r.values(caseName, lameduck, m.Name), r.values(caseName, peer, m.Name)
	if m.Beyond != "" {
		return medianRatio(ours, theirs)
	}
	return pairedRatio(ours, theirs)
}

// saturated is the share of a core, in percent, that a busy proxy uses. The kernel uses the rest.
const saturated = 95

// atLeast reports whether the metric of a peer is a lower bound, since the load was too low.
func (r *results) atLeast(caseName, peer string, m metric) bool {
	used := r.values(caseName, peer, m.AtLeast)
	return m.AtLeast != "" && len(used) > 0 && median(used) < saturated
}

// find returns a series. It adds an empty one if there is none.
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

// values returns the measured values, or nil if there are none.
func (r *results) values(caseName, peer, metric string) []float64 {
	for _, s := range r.series {
		if s.Case == caseName && s.Peer == peer && s.Metric == metric {
			return s.Values
		}
	}
	return nil
}
