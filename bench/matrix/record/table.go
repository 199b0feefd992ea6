package record

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"lameduck/bench/internal/table"
)

// enough is the number of requests from which on the 0.999 quantile differs from the maximum.
const enough = 1000

// Tabulate returns a table with a row for each cell. Times of pods are medians, with the longest in
// brackets. There is a column for changeovers if any cell had one.
func Tabulate(cells []Cell) table.Table {
	t := table.Table{
		Header: []string{
			"", "strategy", "verdict", "requests", "lost", "share", "lost to", "true delay", "pods end after",
			"silence required", "calm p50 / p99 / p99.9, ms", "rollout p50 / p99 / p99.9, ms",
		},
		Align: "lllrrrlrrrrr",
	}
	for _, c := range cells {
		t.Rows = append(t.Rows, c.columns())
	}
	if slices.ContainsFunc(cells, func(c Cell) bool { return c.Changeovers > 0 }) {
		insertChangeovers(&t, cells)
	}
	return t
}

// insertChangeovers adds a column for the resets by changeovers, next to the losses.
func insertChangeovers(t *table.Table, cells []Cell) {
	const column = "changeover resets"
	at := slices.Index(t.Header, "lost to") + 1
	t.Header, t.Align = slices.Insert(t.Header, at, column), t.Align[:at]+"r"+t.Align[at:]
	for i, c := range cells {
		t.Rows[i] = slices.Insert(t.Rows[i], at, table.Count(c.Changeovers))
	}
}

func (c Cell) columns() []string {
	return []string{
		c.Where(), c.Setup.Strategy, c.outcome(), table.Count(c.Requests), table.Count(c.Lost), Percent(c.Share()),
		c.causes(), medianAndLongest(c.TrueDelay()), medianAndLongest(c.Termination()), c.silence(),
		c.Calm.columns(), c.Rollout.columns(),
	}
}

// outcome returns the verdict on the cell. It is empty if nothing is expected of the cell by
// itself.
func (c Cell) outcome() string {
	all := Judge([]Cell{c})
	switch {
	case c.Expect == LossAmong || len(all) == 0:
		return ""
	case len(Missed(all)) > 0:
		return "missed"
	}
	return "holds"
}

func (c Cell) causes() string {
	var all []string
	for cause := range c.ByCause {
		all = append(all, cause)
	}
	slices.SortFunc(all, func(a, b string) int {
		if c.ByCause[a] != c.ByCause[b] {
			return c.ByCause[b] - c.ByCause[a]
		}
		return strings.Compare(a, b)
	})
	for i, cause := range all {
		all[i] = fmt.Sprintf("%s\u00a0×\u00a0%s", table.Count(c.ByCause[cause]), cause)
	}
	return strings.Join(all, ", ")
}

func (c Cell) silence() string {
	if longest, found := c.Required(); found {
		return longest.String()
	}
	return ""
}

func medianAndLongest(median, longest Seconds) string {
	if median.String() == longest.String() {
		return median.String()
	}
	return fmt.Sprintf("%v (%v)", median, longest)
}

// columns formats the quantiles. It omits the last one if there are too few requests for it.
func (l Latency) columns() string {
	if l.Requests == 0 {
		return ""
	}
	last := "–"
	if l.Requests >= enough {
		last = milliseconds(l.P999)
	}
	return fmt.Sprintf("%s / %s / %s", milliseconds(l.P50), milliseconds(l.P99), last)
}

// milliseconds formats a duration with its significant digits.
func milliseconds(s Seconds) string {
	ms := time.Duration(s).Seconds() * 1e3
	if ms < 10 {
		return fmt.Sprintf("%.1f", ms)
	}
	return table.Count(int(ms + 0.5))
}

// Percent formats a share. Only zero is shown as zero.
func Percent(share float64) string {
	if 0 < share && share < 0.0001 {
		return "< 0.01 %"
	}
	return fmt.Sprintf("%.2f %%", 100*share)
}
