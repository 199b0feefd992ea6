package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"
)

// A report is all that a run has to say. Its JSON is meant for programs.
type report struct {
	Machine     machine       `json:"machine"`
	Time        time.Time     `json:"time"`
	Rounds      int           `json:"rounds"`
	Seconds     float64       `json:"keepalive_seconds"`
	Connections int           `json:"idle_connections"`
	Series      []seriesEntry `json:"series"`
	Notes       []string      `json:"notes"`
	Targets     []verdict     `json:"targets"`

	table string
	cases []benchCase
}

// A seriesEntry is one metric of one peer, with every value.
type seriesEntry struct {
	Case   string    `json:"case"`
	Peer   string    `json:"peer"`
	Metric string    `json:"metric"`
	Title  string    `json:"title"`
	Unit   string    `json:"unit,omitempty"`
	Values []float64 `json:"values"`
	summary
	// Ratio is lameduck's to this peer's; absent where there is none.
	Ratio float64 `json:"lameduck_ratio,omitempty"`
}

func newReport(b *bench) report {
	return report{
		Machine:     describeMachine(b.binaries),
		Time:        b.began.UTC().Truncate(time.Second),
		Rounds:      b.opts.Rounds,
		Seconds:     b.opts.Duration.Seconds(),
		Connections: b.opts.Connections,
		Series:      entries(&b.results, b.opts.Cases),
		Notes:       b.results.notes,
		Targets:     judge(&b.results, b.opts.Cases),
		cases:       b.opts.Cases,
		table:       table(&b.results, b.opts.Cases, b.opts.Peers),
	}
}

func entries(r *results, cases []benchCase) []seriesEntry {
	var all []seriesEntry
	for _, s := range r.series {
		m := findMetric(cases, s.Case, s.Metric)
		ratio, ok := pairedRatio(r.values(s.Case, lameduck, s.Metric), s.Values)
		if !ok || s.Peer == lameduck {
			ratio = 0 // left out
		}
		all = append(all, seriesEntry{
			Case: s.Case, Peer: s.Peer, Metric: s.Metric,
			Title: m.Title, Unit: m.Unit,
			Values: s.Values, summary: summarise(s.Values), Ratio: ratio,
		})
	}
	return all
}

// findMetric returns the zero metric for one that no case has.
func findMetric(cases []benchCase, caseName, name string) metric {
	for _, c := range cases {
		for _, m := range c.Metrics {
			if c.Name == caseName && m.Name == name {
				return m
			}
		}
	}
	return metric{}
}

// markdown is the report for people: the table, how to read it, and notes.
func (r report) markdown() string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s\nRounds: %d. Medians (lowest–highest); a ratio is the median of the rounds' ratios. "+
		"KB and MB are decimal.\n\n", r.table, r.Rounds)
	for _, c := range r.cases {
		fmt.Fprintf(&out, "- %s: %s\n", c.Name, c.Title)
	}
	fmt.Fprintf(&out, "\n%s, %s. %s\n", r.Machine, r.Time.Format(time.DateOnly), r.disturbance())
	if len(r.Notes) > 0 {
		out.WriteString("\n")
	}
	for _, note := range r.Notes {
		fmt.Fprintf(&out, "- %s\n", note)
	}
	return out.String()
}

// quiet is the share of the proxy's core, in percent, that others may have. It
// is what a kernel's own threads and a rare daemon need; past it, caches are
// no longer the proxy's own.
const quiet = 10

// disturbance tells how much of the proxy's core others had during load.
func (r report) disturbance() string {
	var shares []float64
	for _, s := range r.Series {
		if s.Metric == "foreign" {
			shares = append(shares, s.Values...)
		}
	}
	if len(shares) == 0 {
		return ""
	}
	s := summarise(shares)
	line := fmt.Sprintf("Others had %.0f %% of the proxy's core (%.0f–%.0f).", s.Median, s.Low, s.High)
	if s.Median > quiet {
		line += " That is too much to rely on these numbers."
	}
	return line
}

func (r report) writeJSON(path string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the report: %w", err)
	}
	if err := os.WriteFile(path, append(text, '\n'), 0o644); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}
