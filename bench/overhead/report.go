package main

import (
	"fmt"
	"strings"
	"time"

	"lameduck/bench/internal/jsonfile"
	"lameduck/bench/internal/table"
	"lameduck/bench/overhead/record"
)

// A report has all results of a run.
type report record.Report

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
	}
	for _, c := range b.opts.Cases {
		r.Cases = append(r.Cases, record.Case{
			Name: c.Name, Title: c.Title, Rate: c.Rate, Connections: c.Connections, Check: c.Check,
		})
		if c.Name == "idle" {
			r.Connections = c.Connections
		}
	}
	for _, p := range b.opts.Peers {
		r.Peers = append(r.Peers, record.Peer{
			Name: p.Name, Title: p.Title, Version: r.Machine.Versions[p.program()],
		})
	}
	return r
}

func entries(r *results, cases []benchCase) []record.Series {
	var all []record.Series
	for _, s := range r.series {
		m := findMetric(cases, s.Case, s.Metric)
		ratio, ok := r.ratio(s.Case, s.Peer, m)
		if !ok || s.Peer == lameduck {
			ratio = 0 // omitted
		}
		all = append(all, record.Series{
			Case: s.Case, Peer: s.Peer, Metric: s.Metric,
			Title: m.Title, Unit: m.Unit, Digits: m.Digits, Hidden: m.Hidden,
			Values: s.Values, Summary: summarise(s.Values),
			AtLeast: r.atLeast(s.Case, s.Peer, m), Ratio: ratio,
		})
	}
	return all
}

// findMetric returns a metric, or the zero metric if no case has it.
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

// markdown returns the report as Markdown: the given table with explanations, and notes.
func (r report) markdown(t table.Table) string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s\nRounds: %d. Medians (lowest–highest). A ratio is the median of the ratios in each round; "+
		"that of added latencies is the ratio of the medians. KB and MB are decimal.\n\n", t.Markdown(), r.Rounds)
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

// quiet is the share of the proxy's core, in percent, that other processes may use. Kernel threads
// and daemons need less; a larger share affects the proxy's caches.
const quiet = 10

// punctual is how late the load may be at its 99th percentile, as a share of the latency without a
// proxy. If it is later, it measures itself.
const punctual = 0.5

// disturbances returns sentences on how much other processes disturbed the measurements.
func (r report) disturbances() []string {
	var lines []string
	if others := r.gather("", "foreign"); len(others) > 0 {
		s := summarise(others)
		line := fmt.Sprintf("Other processes used %.0f %% of the proxy's core (%.0f–%.0f).", s.Median, s.Low, s.High)
		if s.Median > quiet {
			line += " This is too much for reliable results."
		}
		lines = append(lines, line)
	}
	if late := r.gather("", "late_p99"); len(late) > 0 {
		s := summarise(late)
		line := fmt.Sprintf("The load at fixed rates was itself late by %.0f µs at its 99th percentile (%.0f–%.0f).",
			s.Median, s.Low, s.High)
		if base := r.gather(direct, "p99"); len(base) > 0 && s.Median > punctual*median(base) {
			line += " This is too much for reliable latencies."
		}
		lines = append(lines, line)
	}
	return lines
}

// gather returns all values of a metric, of one peer or, if peer is empty, of all peers.
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
	if err := jsonfile.Write(path, r); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}
