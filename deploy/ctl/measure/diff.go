package measure

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
	"time"
)

// Diff writes two reports side by side.
func Diff(w io.Writer, nameA, nameB string, a, b *Report) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(what string, value func(*Report) string) {
		fmt.Fprintf(table, "%s\t%s\t%s\n", what, value(a), value(b))
	}
	fmt.Fprintf(table, "\t%s\t%s\n", nameA, nameB)
	row("url", func(p *Report) string { return p.URL })
	row("started", func(p *Report) string { return p.Started.Format("2006-01-02 15:04:05") })
	row("requests", func(p *Report) string { return count(p.Requests) })
	row("lost", func(p *Report) string { return count(p.Lost) })
	row("share", func(p *Report) string { return percent(p.LostShare) })
	row("at most (95 %)", func(p *Report) string { return percent(p.LostShareMax) })
	for _, c := range union(a.Causes, b.Causes) {
		row("lost: "+c, func(p *Report) string { return count(p.Causes[c]) })
	}
	for _, lane := range unionOfLanes(a, b) {
		row(lane+", lost", func(p *Report) string {
			if l := p.lane(lane); l != nil {
				return fmt.Sprintf("%s of %s", count(l.Lost), count(l.Requests))
			}
			return "–"
		})
	}
	row("latency p50", func(p *Report) string { return p.Latency.P50.String() })
	row("latency p99", func(p *Report) string { return p.Latency.P99.String() })
	row("load balancer's delay", (*Report).delayCell)
	row("slowest pod, t0 to end", (*Report).slowestPod)
	return table.Flush()
}

// union returns the causes of two counts, in the order of tables.
func union(a, b map[string]int) []string {
	both := maps.Clone(a)
	if both == nil {
		both = map[string]int{}
	}
	maps.Copy(both, b)
	return sortedCauses(both)
}

func unionOfLanes(a, b *Report) []string {
	var names []string
	for _, p := range []*Report{a, b} {
		for _, l := range p.Lanes {
			if !slices.Contains(names, l.Name()) {
				names = append(names, l.Name())
			}
		}
	}
	return names
}

func (p *Report) lane(name string) *LaneReport {
	for i := range p.Lanes {
		if p.Lanes[i].Name() == name {
			return &p.Lanes[i]
		}
	}
	return nil
}

func (p *Report) delayCell() string {
	if p.Rollout == nil {
		return "–"
	}
	switch delay, bound := p.Rollout.longestDelay(); bound {
	case "":
		return "–"
	case atLeast:
		return "at least " + seconds(delay)
	default:
		return seconds(delay)
	}
}

func (p *Report) slowestPod() string {
	if p.Rollout == nil {
		return "–"
	}
	longest := time.Duration(-1)
	for _, pod := range p.Rollout.Pods {
		if end := cmp.Or(pod.Stopped, pod.Gone); end != nil && pod.T0 != nil {
			longest = max(longest, time.Duration(*end-*pod.T0))
		}
	}
	if longest < 0 {
		return "–"
	}
	return seconds(Seconds(longest))
}
