package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"lameduck/bench/internal/jsonfile"
	"lameduck/bench/internal/machine"
	"lameduck/bench/internal/table"
	"lameduck/bench/overhead/record"
)

// baselinePath is the file of the baseline, from the root of the repository.
const baselinePath = "bench/overhead/baseline.json"

// A baseline has the cost of a request as a share of a peer's, in the same run and on the same
// machine. So it is comparable with later runs on other machines.
type baseline struct {
	Machine machine.Description `json:"machine"`
	Time    time.Time           `json:"time"`
	Ratios  []baselineRatio     `json:"ratios"`
}

type baselineRatio struct {
	Case   string  `json:"case"`
	Peer   string  `json:"peer"`
	Metric string  `json:"metric"`
	Ratio  float64 `json:"lameduck_ratio"`
}

// A yardstick is a metric of cost, with the growth that is not yet a regression. Ratios of
// instructions vary by a percent between runs, those of CPU time by several.
type yardstick struct {
	Metric  string
	AtMost  float64 // of the baseline
	Meaning string
}

// yardsticks returns the metrics of cost, the most precise one first.
func yardsticks() []yardstick {
	return []yardstick{
		{"instructions", 1.03, "instructions per request"},
		{"cpu", 1.10, "CPU per request"},
	}
}

// newBaseline returns the ratios of a run.
func newBaseline(r report) baseline {
	b := baseline{Machine: r.Machine, Time: r.Time}
	for _, s := range r.Series {
		measured := slices.ContainsFunc(yardsticks(), func(y yardstick) bool { return y.Metric == s.Metric })
		if measured && s.Ratio > 0 {
			b.Ratios = append(b.Ratios, baselineRatio{s.Case, s.Peer, s.Metric, s.Ratio})
		}
	}
	return b
}

// regressions compares a run with the baseline: a verdict for each case that both have.
func (b baseline) regressions(r report) []record.Verdict {
	var verdicts []record.Verdict
	for _, c := range r.Cases {
		for _, y := range yardsticks() {
			if v, ok := b.regression(r, c.Name, y); ok {
				verdicts = append(verdicts, v)
				break
			}
		}
	}
	return verdicts
}

// regression compares one case. The cost has grown only if it has beside every peer: if it has
// beside one of them, that peer was measured in a faster phase of the machine. It reports false if
// there is nothing to compare.
func (b baseline) regression(r report, caseName string, y yardstick) (record.Verdict, bool) {
	least := 0.0
	var beside []string
	for _, then := range b.Ratios {
		now := r.ratio(caseName, then.Peer, y.Metric)
		if then.Case != caseName || then.Metric != y.Metric || now == 0 || then.Ratio == 0 {
			continue
		}
		growth := now / then.Ratio
		if least == 0 || growth < least {
			least = growth
		}
		beside = append(beside, fmt.Sprintf("%s of %s (baseline %s)",
			table.Number(now, 2), then.Peer, table.Number(then.Ratio, 2)))
	}
	return record.Verdict{
		Sentence: fmt.Sprintf("%s: %s of lameduck is %s: at least %s of the baseline, must be at most %s",
			caseName, y.Meaning, strings.Join(beside, " and "), table.Number(least, 2), table.Number(y.AtMost, 2)),
		Holds:    least <= y.AtMost,
		Measured: true,
	}, len(beside) > 0
}

// ratio returns lameduck's value divided by a peer's, or 0 if there is none.
func (r report) ratio(caseName, peer, metric string) float64 {
	for _, s := range r.Series {
		if s.Case == caseName && s.Peer == peer && s.Metric == metric {
			return s.Ratio
		}
	}
	return 0
}

// checkQuiet returns an error if CPU times had to be measured on a busy machine, whose caches other
// processes use too. Instructions are the same there.
func (r report) checkQuiet() error {
	foreign := r.gather("", "foreign")
	if len(foreign) == 0 || len(r.gather("", "instructions")) > 0 || median(foreign) <= quiet {
		return nil
	}
	return fmt.Errorf("-regress: not comparable, since other processes used %.0f %% of the proxy's core: "+
		"repeat it on a quiet machine, with at most %d %%", median(foreign), quiet)
}

// checkBaseline returns the verdicts on the costs of a run, and an error if one has grown. With
// update it replaces the baseline instead.
func checkBaseline(r report, path string, update bool) ([]record.Verdict, error) {
	if err := r.checkQuiet(); err != nil {
		return nil, err
	}
	if update {
		return nil, jsonfile.Write(path, newBaseline(r))
	}
	b, err := jsonfile.Read[baseline](path)
	if err != nil {
		return nil, fmt.Errorf("read the baseline, at the root of the repository: %w", err)
	}
	verdicts := b.regressions(r)
	grown := 0
	for _, v := range verdicts {
		if !v.Holds {
			grown++
		}
	}
	switch {
	case len(verdicts) == 0:
		return nil, errors.New("-regress: none of the chosen cases and peers is in the baseline")
	case grown > 0:
		return verdicts, fmt.Errorf("%d of %d costs have grown", grown, len(verdicts))
	}
	return verdicts, nil
}
