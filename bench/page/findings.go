package main

import (
	"fmt"
	"slices"
	"strings"

	"lameduck/bench/internal/table"
	"lameduck/bench/matrix/record"
	costs "lameduck/bench/overhead/record"
)

// findings returns sentences that summarize the cells. There are none on strategies that were not
// measured.
func findings(f *record.File) []string {
	return slices.DeleteFunc([]string{
		lossesBehindLameduck(f), priceOfLameduck(f), losses(f, "Bare pods", isBare),
		losses(f, "An app with a graceful shutdown, and nothing else,", isGraceful),
		losses(f, "A preStop sleep that is shorter than the load balancer's delay", sleepsTooShort),
		priceOfLongSleeps(f), fixedQuiet(f), changeovers(f),
	}, func(s string) bool { return s == "" })
}

// pick returns the cells for which match returns true.
func pick(f *record.File, match func(record.Cell) bool) []record.Cell {
	var found []record.Cell
	for _, c := range f.Cells {
		if match(c) {
			found = append(found, c)
		}
	}
	return found
}

func hasLameduck(c record.Cell) bool { return c.Setup.Family == record.Lameduck }
func isFixed(c record.Cell) bool     { return c.Setup.Family == record.Fixed }
func isBare(c record.Cell) bool      { return late(c) && c.Setup.Family == record.Bare }
func isGraceful(c record.Cell) bool  { return late(c) && c.Setup.Family == record.Graceful }
func late(c record.Cell) bool        { return c.Setup.Lag() > 0 && c.Setup.Retries == 0 }

func sleepsTooShort(c record.Cell) bool {
	return late(c) && c.Setup.Family == record.Sleep && slept(c) < c.Setup.Lag()
}

func sleepsLonger(c record.Cell) bool {
	return c.Setup.Family == record.Sleep && slept(c) > c.Setup.Lag()
}

// total sums up the requests of cells, and counts the cells that lost some.
func total(cells []record.Cell) (requests, lost, lossy int) {
	for _, c := range cells {
		requests, lost = requests+c.Requests, lost+c.Lost
		if c.Lost > 0 {
			lossy++
		}
	}
	return requests, lost, lossy
}

func lossesBehindLameduck(f *record.File) string {
	cells := pick(f, hasLameduck)
	requests, lost, lossy := total(cells)
	switch {
	case len(cells) == 0:
		return ""
	case lost > 0:
		return fmt.Sprintf("Behind Lameduck **%s of %s requests were lost**, in %d of %s. "+
			"These rollouts are listed below.", table.Count(lost), table.Count(requests), lossy, rollouts(cells))
	}
	return fmt.Sprintf("Behind Lameduck **none of %s requests was lost**, in %s. This does not prove that none is "+
		"ever lost: if losses are independent of each other, fewer than 3 in %s are lost, with 95 %% confidence.",
		table.Count(requests), rollouts(cells), table.Count(requests))
}

// priceOfLameduck considers the cells with the minimum of the required silence, since the rhythm of
// a service may require more.
func priceOfLameduck(f *record.File) string {
	var after []float64
	quiet := record.Seconds(0)
	for _, c := range pick(f, hasLameduck) {
		required, found := c.Required()
		if !found || required > c.Setup.HoldQuiet || c.Setup.Lag() == 0 || c.Group == "rhythm" {
			continue
		}
		quiet = max(quiet, required)
		for _, p := range c.Pods {
			after = append(after, seconds(p.Took-max(p.Lag, p.Answered)))
		}
	}
	if len(after) == 0 {
		return ""
	}
	slices.Sort(after)
	return fmt.Sprintf("Its pods ended **%.1f s after** the load balancer had removed them and the last answer "+
		"was sent (median of %s; at most %.1f s). %v of this is the silence that it waits for. The delay of the "+
		"load balancer is not configured.", after[len(after)/2], table.Count(len(after)), after[len(after)-1], quiet)
}

// rollouts counts cells.
func rollouts(cells []record.Cell) string {
	if len(cells) == 1 {
		return "1 rollout"
	}
	return table.Count(len(cells)) + " rollouts"
}

func losses(f *record.File, subject string, match func(record.Cell) bool) string {
	cells := pick(f, match)
	if len(cells) == 0 {
		return ""
	}
	var shares []float64
	for _, c := range cells {
		shares = append(shares, c.Share())
	}
	slices.Sort(shares)
	requests, lost, lossy := total(cells)
	return fmt.Sprintf("%s lost **%s of the requests** of a rollout (median; %s to %s; %s of %s in all), in %d of %s.",
		subject, record.Percent(shares[len(shares)/2]), record.Percent(shares[0]),
		record.Percent(shares[len(shares)-1]), table.Count(lost), table.Count(requests), lossy, rollouts(cells))
}

func priceOfLongSleeps(f *record.File) string {
	cells := pick(f, sleepsLonger)
	if len(cells) == 0 {
		return ""
	}
	requests, lost, _ := total(cells)
	var over []float64
	for _, c := range cells {
		median, _ := c.Termination()
		_, delay := c.TrueDelay()
		over = append(over, seconds(median-delay))
	}
	slices.Sort(over)
	return fmt.Sprintf("A sleep that is longer than the delay lost %s of %s requests, and kept its pods **%.1f s "+
		"longer** than the load balancer needed them (median; %.1f s to %.1f s).",
		table.Count(lost), table.Count(requests), over[len(over)/2], over[0], over[len(over)-1])
}

// fixedQuiet compares Lameduck with a fixed quiet time with Lameduck in the same cells.
func fixedQuiet(f *record.File) string {
	fixed := pick(f, isFixed)
	if len(fixed) == 0 {
		return ""
	}
	adaptive := pick(f, func(c record.Cell) bool { return hasLameduck(c) && c.Group == fixed[0].Group })
	_, lost, lossy := total(fixed)
	_, ours, oursLossy := total(adaptive)
	return fmt.Sprintf("In front of services that are rarely called, a fixed quiet time ended too early in %d of %s "+
		"(%s). Lameduck's rule, which uses the rhythm of each source, ended too early in %d of %d (%s).",
		lossy, rollouts(fixed), counted(lost, "lost request"),
		oursLossy, len(adaptive), counted(ours, "lost request"))
}

// changeovers reports the requests that were neither answered nor lost.
func changeovers(f *record.File) string {
	cells := pick(f, func(c record.Cell) bool { return c.Changeovers > 0 })
	if len(cells) == 0 {
		return ""
	}
	n, where := 0, []string(nil)
	for _, c := range cells {
		n += c.Changeovers
		where = with(where, balancerName(c.Setup.Balancer))
	}
	requests, _, _ := total(cells)
	return fmt.Sprintf("**%s of %s requests were neither answered nor lost**, in %s behind %s: the load balancer "+
		"reset them when it changed over to a new configuration, before any pod saw them. They are counted "+
		"separately, for every strategy.",
		table.Count(n), table.Count(requests), rollouts(cells), strings.Join(where, " and "))
}

// againSentence returns how much the results of repeated cells differ.
func againSentence(f *record.File) string {
	again := f.Of("again")
	if len(again) == 0 {
		return "Each cell of this matrix was measured once, so it is not known how much a second run would differ; " +
			"the full matrix measures some of them four times."
	}
	var all []string
	for _, strategy := range strategies(again) {
		runs := pick(f, func(c record.Cell) bool {
			first := c.Group == "balancers" && c.Where() == "built-in"
			return c.Setup.Strategy == strategy && (first || c.Group == "again")
		})
		all = append(all, spreadOf(strategy, runs))
	}
	return "The same cell, measured several times: " + strings.Join(all, "; ") +
		". A second run of the matrix on the same machine may differ as much; on another machine, more."
}

func spreadOf(strategy string, runs []record.Cell) string {
	var shares, ends []float64
	for _, c := range runs {
		shares = append(shares, c.Share())
		for _, p := range c.Pods {
			ends = append(ends, seconds(p.Took))
		}
	}
	s := fmt.Sprintf("%s lost %s to %s",
		strategy, record.Percent(slices.Min(shares)), record.Percent(slices.Max(shares)))
	if len(ends) > 0 {
		s += fmt.Sprintf(", and its pods ended after %.2f s to %.2f s", slices.Min(ends), slices.Max(ends))
	}
	return fmt.Sprintf("%s (%s)", s, counted(len(runs), "run"))
}

func strategies(cells []record.Cell) []string {
	var names []string
	for _, c := range cells {
		names = with(names, c.Setup.Strategy)
	}
	return names
}

// findings returns sentences that summarize the overhead.
func (o *overhead) findings() []string {
	var all []string
	for _, c := range o.costs() {
		ours, _ := o.find(c.Name, lameduck, "cpu")
		words := []string{fmt.Sprintf("%s %s of %s", ours.Number(ours.Median), ours.Unit, ours.Title)}
		for _, s := range o.measured(c.Name, "cpu") {
			if s.Ratio > 0 {
				words = append(words, fmt.Sprintf("%.2f of %s", s.Ratio, s.Peer))
			}
		}
		all = append(all, fmt.Sprintf("**%s**: %s.", capital(c.Title), strings.Join(words, ", ")))
	}
	return all
}

// spreadSentence returns how much the rounds differ.
func (o *overhead) spreadSentence() string {
	var widest, ratio costs.Series
	for _, s := range o.Series {
		if s.Metric != "cpu" || len(s.Values) < 2 {
			continue
		}
		if s.Spread() > widest.Spread() {
			widest = s
		}
		if s.Peer == lameduck && s.Spread() > ratio.Spread() {
			ratio = s
		}
	}
	if widest.Median == 0 {
		return "There was only one round, so the spread is not known."
	}
	return fmt.Sprintf("Each value is the median of %s. The rounds of one value differ by up to %.0f %% from their "+
		"median (%s of %s), those of Lameduck by up to %.0f %% (%s); a second run on the same machine may differ as "+
		"much. The ratios are computed round by round and vary less; only they can be compared between machines.",
		counted(o.Rounds, "round"), 100*widest.Spread(), widest.Case, widest.Peer, 100*ratio.Spread(), ratio.Case)
}
