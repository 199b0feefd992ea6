package main

import (
	"slices"

	"lameduck/bench/internal/jsonfile"
	costs "lameduck/bench/overhead/record"
)

// overhead has the results of bench/overhead.
type overhead costs.Report

// lameduck is the name of Lameduck among the peers.
const lameduck = "lameduck"

// readOverhead reads the file at path. It returns [os.ErrNotExist] if there is none.
func readOverhead(path string) (*overhead, error) { return jsonfile.Read[overhead](path) }

// costs returns the cases with a CPU time of Lameduck, except checks of the harness.
func (o *overhead) costs() []costs.Case {
	return slices.DeleteFunc(slices.Clone(o.Cases), func(c costs.Case) bool {
		_, found := o.find(c.Name, lameduck, "cpu")
		return !found || c.Check
	})
}

// metrics returns one series for each visible metric of a case.
func (o *overhead) metrics(caseName string) []costs.Series {
	var all []costs.Series
	for _, s := range o.Series {
		known := slices.ContainsFunc(all, func(t costs.Series) bool { return t.Metric == s.Metric })
		if s.Case == caseName && !known && !s.Hidden {
			all = append(all, s)
		}
	}
	return all
}

// find returns a peer's series of a metric, and false if it was not measured.
func (o *overhead) find(caseName, peer, metric string) (costs.Series, bool) {
	i := slices.IndexFunc(o.Series, func(s costs.Series) bool {
		return s.Case == caseName && s.Peer == peer && s.Metric == metric
	})
	if i < 0 || len(o.Series[i].Values) == 0 {
		return costs.Series{}, false
	}
	return o.Series[i], true
}
