package main

import (
	"errors"
	"fmt"
	"strings"
)

// A target is a promise about one metric of lameduck: at most AtMost times the
// peer's, or at most AtMost of the metric's unit where Peer is empty.
type target struct {
	Case   string
	Metric string
	Peer   string
	AtMost float64
}

// targets are what "at no cost" means in numbers.
func targets() []target {
	return []target{
		{Case: "keepalive", Metric: "cpu", Peer: "haproxy-http", AtMost: 1},
		{Case: "keepalive", Metric: "cpu", Peer: "nginx", AtMost: 1},
		{Case: "keepalive", Metric: "cpu", Peer: "reverseproxy", AtMost: 0.35},
		{Case: "large", Metric: "cpu", Peer: "haproxy-http", AtMost: 1},
		{Case: "newconn", Metric: "cpu", Peer: "nginx", AtMost: 1},
		{Case: "idle", Metric: "perconn", AtMost: 10},
		{Case: "idle", Metric: "start", AtMost: 12},
		{Case: "binary", Metric: "size", AtMost: 12},
	}
}

// A verdict tells whether a target holds.
type verdict struct {
	Sentence string `json:"sentence"`
	Holds    bool   `json:"holds"`
	Measured bool   `json:"measured"`
}

// judge compares the results with every target of the cases that were chosen.
func judge(r *results, cases []benchCase) []verdict {
	var verdicts []verdict
	for _, t := range targets() {
		for _, c := range cases {
			for _, m := range c.Metrics {
				if c.Name == t.Case && m.Name == t.Metric {
					verdicts = append(verdicts, t.judge(r, m))
				}
			}
		}
	}
	return verdicts
}

func (t target) judge(r *results, m metric) verdict {
	ours := r.values(t.Case, lameduck, t.Metric)
	if t.Peer == "" {
		return t.judgeLimit(ours, m)
	}
	theirs := r.values(t.Case, t.Peer, t.Metric)
	ratio, ok := pairedRatio(ours, theirs)
	if !ok {
		return verdict{Sentence: fmt.Sprintf("%s: not measured: %s of lameduck is to be at most %s of %s",
			t.Case, m.Title, number(t.AtMost, 2), t.Peer)}
	}
	return verdict{
		Sentence: fmt.Sprintf("%s: %s of lameduck is %s of %s (%s and %s %s), at most %s is wanted",
			t.Case, m.Title, number(ratio, 2), t.Peer,
			number(median(ours), m.Digits), number(median(theirs), m.Digits), m.Unit, number(t.AtMost, 2)),
		Holds:    ratio <= t.AtMost,
		Measured: true,
	}
}

func (t target) judgeLimit(ours []float64, m metric) verdict {
	if len(ours) == 0 {
		return verdict{Sentence: fmt.Sprintf("%s: not measured: %s of lameduck is to be at most %s %s",
			t.Case, m.Title, number(t.AtMost, 0), m.Unit)}
	}
	return verdict{
		Sentence: fmt.Sprintf("%s: %s of lameduck is %s %s, at most %s is wanted",
			t.Case, m.Title, number(median(ours), m.Digits), m.Unit, number(t.AtMost, 0)),
		Holds:    median(ours) <= t.AtMost,
		Measured: true,
	}
}

// verdictList is a Markdown list of all sentences.
func verdictList(verdicts []verdict) string {
	var out strings.Builder
	for _, v := range verdicts {
		word := "missed"
		if v.Holds {
			word = "holds"
		}
		fmt.Fprintf(&out, "- %s: %s\n", word, v.Sentence)
	}
	return out.String()
}

// missed is an error that counts the targets that do not hold. One that was
// not measured does not.
func missed(verdicts []verdict) error {
	count := 0
	for _, v := range verdicts {
		if !v.Holds {
			count++
		}
	}
	switch {
	case len(verdicts) == 0:
		return errors.New("-guard: none of the chosen cases has a target")
	case count > 0:
		return fmt.Errorf("%d of %d targets do not hold", count, len(verdicts))
	}
	return nil
}
