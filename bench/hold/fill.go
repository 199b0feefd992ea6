package main

import (
	"math"
	"time"

	"lameduck/bench/hold/record"
	"lameduck/bench/hold/sim"
)

// fill adds the results of a simulation to a file.
func fill(f *record.File, results []sim.Result) {
	for _, r := range sim.Rules() {
		f.Rules = append(f.Rules, record.Rule{Name: r.Name, Title: r.Title})
	}
	for _, r := range results {
		s := record.Shape{Name: r.Shape.Name, Title: r.Shape.Title, About: r.Shape.About,
			Limits: limits(r.Shape.Limits)}
		for i := range r.Outcomes {
			s.Outcomes = append(s.Outcomes, outcome(&r.Outcomes[i]))
		}
		f.Shapes = append(f.Shapes, s)
	}
}

func limits(l sim.Limits) *record.Limits {
	if l == (sim.Limits{}) {
		return nil
	}
	return &record.Limits{AfterP50: l.AfterP50.Seconds(), AfterP90: l.AfterP90.Seconds(), Early: l.Early}
}

func outcome(o *sim.Outcome) record.Outcome {
	return record.Outcome{
		AfterP50: seconds(o.After.Quantile(0.5)), AfterP90: seconds(o.After.Quantile(0.9)),
		HoldP50: seconds(o.Hold.Quantile(0.5)), HoldP90: seconds(o.Hold.Quantile(0.9)),
		Early: o.Early, Lost: o.Lost, AtMax: o.AtMax,
	}
}

// seconds rounds to the resolution of the histograms.
func seconds(d time.Duration) float64 { return math.Round(d.Seconds()*100) / 100 }
