package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A target is a promise about one metric of lameduck: at most AtMost times
// that of the best of Peers, or at most AtMost of the metric's unit where
// there is none.
type target struct {
	Case   string
	Metric string
	Peers  []string
	AtMost float64
}

// targets are what "at no cost" means in numbers.
func targets() []target {
	return slices.Concat(
		each("keepalive", 1, "nginx", "haproxy-http"),
		each("keepalive", 0.35, "reverseproxy", "caddy", "traefik", "queue-proxy"),
		each("large", 1, "nginx", "haproxy-http"),
		each("newconn", 1, "nginx", "haproxy-http"),
		streams("h2c", "h2c-single", "grpc", "grpc-single"),
		tunnels("tcp-down", "tcp-up", "ws-down", "ws-up", "ws1m-down", "ws1m-up"),
		[]target{
			{Case: "latency", Metric: "added_p99", Peers: []string{"nginx", "haproxy-http"}, AtMost: 1.05},
			{Case: "idle", Metric: "start", AtMost: 12},
			{Case: "idle", Metric: "perconn", AtMost: 10},
			{Case: "idle10k", Metric: "perconn", AtMost: 10},
			{Case: "ws-idle10k", Metric: "perconn", AtMost: 10},
			{Case: "binary", Metric: "size", AtMost: 12},
		},
	)
}

// streams returns those of cases over h2c: half of what Go's own proxy costs,
// and no more than nginx, which shares no connection to the app at a time.
func streams(cases ...string) []target {
	var all []target
	for _, c := range cases {
		all = append(all, each(c, 0.5, "reverseproxy")...)
		all = append(all, each(c, 1, "nginx")...)
	}
	return all
}

// tunnels returns those of cases with tunnels: no more than a blind relay in C.
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

// A verdict tells whether a target holds.
type verdict struct {
	Sentence string `json:"sentence"`
	Holds    bool   `json:"holds"`
	Measured bool   `json:"measured"`
}

// judge compares the results with every target of the cases that were chosen,
// and the peers that were asked for.
func judge(r *results, cases []benchCase, asked []string) []verdict {
	var verdicts []verdict
	for _, t := range targets() {
		if m := findMetric(cases, t.Case, t.Metric); m != (metric{}) && t.concerns(asked) {
			verdicts = append(verdicts, t.judge(r, m))
		}
	}
	return verdicts
}

// concerns says whether all the target's peers are among those asked for.
func (t target) concerns(asked []string) bool {
	return !slices.ContainsFunc(t.Peers, func(p string) bool { return !slices.Contains(asked, p) })
}

func (t target) judge(r *results, m metric) verdict {
	if len(t.Peers) == 0 {
		return t.judgeLimit(r.values(t.Case, lameduck, t.Metric), m)
	}
	best := slices.MinFunc(t.Peers, func(a, b string) int { return cmp.Compare(t.middle(r, a), t.middle(r, b)) })
	ratio, ok := r.ratio(t.Case, best, m)
	if !ok || slices.ContainsFunc(t.Peers, func(p string) bool { return len(r.values(t.Case, p, t.Metric)) == 0 }) {
		return verdict{Sentence: fmt.Sprintf("%s: not measured: %s of lameduck is to be at most %s of %s",
			t.Case, m.Title, number(t.AtMost, 2), t.against())}
	}
	return verdict{
		Sentence: fmt.Sprintf("%s: %s of lameduck is %s of %s (%s and %s %s), at most %s of %s is wanted",
			t.Case, m.Title, number(ratio, 2), best,
			number(t.middle(r, lameduck), m.Digits), number(t.middle(r, best), m.Digits), m.Unit, number(t.AtMost, 2), t.against()),
		Holds:    ratio <= t.AtMost,
		Measured: true,
	}
}

// middle is a peer's median, 0 where there is none.
func (t target) middle(r *results, peer string) float64 {
	return summarise(r.values(t.Case, peer, t.Metric)).Median
}

// against names what lameduck is compared with.
func (t target) against() string {
	if len(t.Peers) == 1 {
		return t.Peers[0]
	}
	return "the better of " + strings.Join(t.Peers, " and ")
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
		return errors.New("-guard: none of the chosen cases and peers has a target")
	case count > 0:
		return fmt.Errorf("%d of %d targets do not hold", count, len(verdicts))
	}
	return nil
}
