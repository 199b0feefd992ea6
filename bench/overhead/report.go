package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"lameduck/bench/internal/machine"
)

// A report is all that a run has to say. Its JSON is meant for programs; doc.go
// tells what is in it.
type report struct {
	Machine     machine.Description `json:"machine"`
	Time        time.Time           `json:"time"`
	Quick       bool                `json:"quick"`
	Rounds      int                 `json:"rounds"`
	Seconds     float64             `json:"keepalive_seconds"`
	Connections int                 `json:"idle_connections"`
	Cases       []caseEntry         `json:"cases"`
	Peers       []peerEntry         `json:"peers"`
	Series      []seriesEntry       `json:"series"`
	Notes       []string            `json:"notes"`
	Targets     []verdict           `json:"targets"`

	table string
}

// A caseEntry is one case that was measured.
type caseEntry struct {
	Name        string `json:"name"`
	Title       string `json:"title"`
	Rate        int    `json:"rate,omitempty"`        // requests per second that are sent
	Connections int    `json:"connections,omitempty"` // idle ones
	Check       bool   `json:"check,omitempty"`       // its figures matter less than that it has passed
}

// A peerEntry is one peer that was measured.
type peerEntry struct {
	Name    string `json:"name"`
	Title   string `json:"title"`
	Version string `json:"version,omitempty"`
}

// A seriesEntry is one metric of one peer, with every value.
type seriesEntry struct {
	Case   string    `json:"case"`
	Peer   string    `json:"peer"`
	Metric string    `json:"metric"`
	Title  string    `json:"title"`
	Unit   string    `json:"unit,omitempty"`
	Digits int       `json:"digits"`
	Hidden bool      `json:"hidden,omitempty"` // not in the table
	Values []float64 `json:"values"`
	summary
	// AtLeast says that the values could have been higher, for want of load.
	AtLeast bool `json:"at_least,omitempty"`
	// Ratio is lameduck's to this peer's; absent where there is none.
	Ratio float64 `json:"lameduck_ratio,omitempty"`
}

func newReport(b *bench) report {
	r := report{
		Machine: describeMachine(b.opts.Peers, b.binaries),
		Time:    b.began.UTC().Truncate(time.Second),
		Quick:   b.opts.Quick,
		Rounds:  b.opts.Rounds,
		Seconds: b.opts.Duration.Seconds(),
		Series:  entries(&b.results, b.opts.Cases),
		Notes:   b.results.notes,
		Targets: judge(&b.results, b.opts.Asked, b.asked),
		table:   table(&b.results, b.opts.Cases, b.opts.Peers),
	}
	for _, c := range b.opts.Cases {
		r.Cases = append(r.Cases, caseEntry{c.Name, c.Title, c.Rate, c.Connections, c.Check})
		if c.Name == "idle" {
			r.Connections = c.Connections
		}
	}
	for _, p := range b.opts.Peers {
		r.Peers = append(r.Peers, peerEntry{p.Name, p.Title, r.Machine.Versions[p.program()]})
	}
	return r
}

func entries(r *results, cases []benchCase) []seriesEntry {
	var all []seriesEntry
	for _, s := range r.series {
		m := findMetric(cases, s.Case, s.Metric)
		ratio, ok := r.ratio(s.Case, s.Peer, m)
		if !ok || s.Peer == lameduck {
			ratio = 0 // left out
		}
		all = append(all, seriesEntry{
			Case: s.Case, Peer: s.Peer, Metric: s.Metric,
			Title: m.Title, Unit: m.Unit, Digits: m.Digits, Hidden: m.Hidden,
			Values: s.Values, summary: summarise(s.Values),
			AtLeast: r.atLeast(s.Case, s.Peer, m), Ratio: ratio,
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
	fmt.Fprintf(&out, "%s\nRounds: %d. Medians (lowest–highest); a ratio is the median of the rounds' ratios, that of added "+
		"latencies one of medians. KB and MB are decimal.\n\n", r.table, r.Rounds)
	for _, c := range r.Cases {
		fmt.Fprintf(&out, "- %s: %s\n", c.Name, c.Title)
	}
	out.WriteString("\n")
	for _, p := range r.Peers {
		fmt.Fprintf(&out, "- %s: %s\n", strings.TrimSpace(p.Name+" "+p.Version), p.Title)
	}
	fmt.Fprintf(&out, "\n%s, %s. %s\n", r.Machine, r.Time.Format(time.DateOnly), strings.Join(r.disturbances(), " "))
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

// punctual is how late the load may be at its 99th percentile, as a share of
// the latency that it measures without a proxy. Past it, it measures itself.
const punctual = 0.5

// disturbances tell how far the machine was left alone.
func (r report) disturbances() []string {
	var lines []string
	if others := r.gather("", "foreign"); len(others) > 0 {
		s := summarise(others)
		line := fmt.Sprintf("Others had %.0f %% of the proxy's core (%.0f–%.0f).", s.Median, s.Low, s.High)
		if s.Median > quiet {
			line += " That is too much to rely on these numbers."
		}
		lines = append(lines, line)
	}
	if late := r.gather("", "late_p99"); len(late) > 0 {
		s := summarise(late)
		line := fmt.Sprintf("The load at fixed rates was late itself by %.0f µs at its 99th percentile (%.0f–%.0f).", s.Median, s.Low, s.High)
		if base := r.gather(direct, "p99"); len(base) > 0 && s.Median > punctual*median(base) {
			line += " That is too much to rely on the latencies."
		}
		lines = append(lines, line)
	}
	return lines
}

// gather returns all values of a metric, of one peer or, if it is empty, of
// all.
func (r report) gather(peer, metric string) []float64 {
	var values []float64
	for _, s := range r.Series {
		if s.Metric == metric && (peer == "" || s.Peer == peer) {
			values = append(values, s.Values...)
		}
	}
	return values
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
