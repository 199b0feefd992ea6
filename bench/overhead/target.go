package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"lameduck/bench/internal/table"
	"lameduck/bench/overhead/record"
)

// A target is a promise about one metric of lameduck: at most AtMost times the value of the best of
// Peers or, without Peers, at most AtMost in the metric's unit.
type target struct {
	Case   string
	Metric string
	Peers  []string
	AtMost float64
}

// targets returns all targets.
func targets() []target {
	return slices.Concat(
		each("keepalive", 1, "nginx", "haproxy-http"),
		each("keepalive", 0.35, "reverseproxy", "caddy", "traefik", "queue-proxy"),
		each("large", 1, "nginx", "haproxy-http"),
		each("newconn", 1, "nginx", "haproxy-http", "haproxy-tcp"),
		terminations("tls-handshake", "tls-resumed", "tls-keepalive", "tls-large"),
		streams("h2c", "h2c-single", "grpc", "grpc-single"),
		tunnels("tcp-down", "tcp-up", "ws-down", "ws-up", "ws1m-down", "ws1m-up"),
		[]target{
			{Case: "latency", Metric: "added_p50", Peers: []string{"nginx", "haproxy-http"}, AtMost: 1.05},
			{Case: "latency", Metric: "added_p99", Peers: []string{"nginx", "haproxy-http"}, AtMost: 1.05},
			{Case: "observe", Metric: "cpu", Peers: []string{direct}, AtMost: 1.05},
			{Case: "idle", Metric: "start", AtMost: 12},
			{Case: "idle", Metric: "perconn", AtMost: 10},
			{Case: "idle3k", Metric: "perconn", Peers: []string{"haproxy-tcp"}, AtMost: 1},
			{Case: "tls-idle", Metric: "perconn", AtMost: 12},
			{Case: "tls-idle3k", Metric: "perconn", AtMost: 12},
			{Case: "idle10k", Metric: "perconn", AtMost: 10},
			{Case: "ws-idle10k", Metric: "perconn", AtMost: 10},
			{Case: "binary", Metric: "size", AtMost: 12},
		},
	)
}

// streams returns the targets of cases over h2c: half the cost of Go's own proxy, and no more than
// nginx, which has only one stream at a time on a connection to the app.
func streams(cases ...string) []target {
	var all []target
	for _, c := range cases {
		all = append(all, each(c, 0.5, "reverseproxy")...)
		all = append(all, each(c, 1, "nginx")...)
	}
	return all
}

// terminations returns the targets of cases with TLS: no more than a proxy with OpenSSL.
func terminations(cases ...string) []target {
	var all []target
	for _, c := range cases {
		all = append(all, each(c, 1, "nginx", "haproxy-http")...)
	}
	return all
}

// tunnels returns the targets of cases with tunnels: no more than a blind relay in C.
func tunnels(cases ...string) []target {
	var all []target
	for _, c := range cases {
		all = append(all, each(c, 1, "haproxy-tcp")...)
	}
	return all
}

// each returns one target about CPU time for each of the peers.
func each(caseName string, atMost float64, peers ...string) []target {
	var all []target
	for _, p := range peers {
		all = append(all, target{Case: caseName, Metric: "cpu", Peers: []string{p}, AtMost: atMost})
	}
	return all
}

// judge compares the results with every target of the given cases and peers.
func judge(r *results, cases []benchCase, asked []string) []record.Verdict {
	var verdicts []record.Verdict
	for _, t := range targets() {
		if m := findMetric(cases, t.Case, t.Metric); m != (metric{}) && t.concerns(asked) {
			verdicts = append(verdicts, t.judge(r, m))
		}
	}
	return verdicts
}

// concerns reports whether all the target's peers are among those requested.
func (t target) concerns(asked []string) bool {
	return !slices.ContainsFunc(t.Peers, func(p string) bool { return !slices.Contains(asked, p) })
}

func (t target) judge(r *results, m metric) record.Verdict {
	if len(t.Peers) == 0 {
		return t.judgeLimit(r.values(t.Case, lameduck, t.Metric), m)
	}
	best := slices.MinFunc(t.Peers, func(a, b string) int { return cmp.Compare(t.median(r, a), t.median(r, b)) })
	ratio, ok := r.ratio(t.Case, best, m)
	unmeasured := func(p string) bool { return len(r.values(t.Case, p, t.Metric)) == 0 }
	if !ok || slices.ContainsFunc(t.Peers, unmeasured) {
		return record.Verdict{Sentence: fmt.Sprintf("%s: not measured: %s of lameduck must be at most %s of %s",
			t.Case, m.Title, table.Number(t.AtMost, 2), t.against())}
	}
	return record.Verdict{
		Sentence: fmt.Sprintf("%s: %s of lameduck is %s of %s (%s and %s %s), must be at most %s of %s",
			t.Case, m.Title, table.Number(ratio, 2), best, table.Number(t.median(r, lameduck), m.Digits),
			table.Number(t.median(r, best), m.Digits), m.Unit, table.Number(t.AtMost, 2), t.against()),
		Holds:    ratio <= t.AtMost,
		Measured: true,
	}
}

// median returns a peer's median, or 0 if there is none.
func (t target) median(r *results, peer string) float64 {
	return summarise(r.values(t.Case, peer, t.Metric)).Median
}

// against returns the peers that lameduck is compared with.
func (t target) against() string {
	if len(t.Peers) == 1 {
		return t.Peers[0]
	}
	return "the better of " + strings.Join(t.Peers, " and ")
}

func (t target) judgeLimit(ours []float64, m metric) record.Verdict {
	if len(ours) == 0 {
		return record.Verdict{Sentence: fmt.Sprintf("%s: not measured: %s of lameduck must be at most %s %s",
			t.Case, m.Title, table.Number(t.AtMost, 0), m.Unit)}
	}
	return record.Verdict{
		Sentence: fmt.Sprintf("%s: %s of lameduck is %s %s, must be at most %s",
			t.Case, m.Title, table.Number(median(ours), m.Digits), m.Unit, table.Number(t.AtMost, 0)),
		Holds:    median(ours) <= t.AtMost,
		Measured: true,
	}
}

// verdictList returns a Markdown list of all sentences.
func verdictList(verdicts []record.Verdict) string {
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

// missed returns an error with the number of missed targets. Targets that were not measured are
// missed.
func missed(verdicts []record.Verdict) error {
	count := 0
	for _, v := range verdicts {
		if !v.Holds {
			count++
		}
	}
	switch {
	case len(verdicts) == 0:
		return errors.New("-guard: none of the chosen cases and peers has a target")
	case count > 0:
		return fmt.Errorf("%d of %d targets are missed", count, len(verdicts))
	}
	return nil
}
