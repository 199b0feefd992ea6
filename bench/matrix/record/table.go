package record

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// enough is the number of requests from which on a quantile of 0.999 is more than the maximum.
const enough = 1000

// Table is one with a header. Align has an l or an r for each column.
type Table struct {
	Header []string
	Rows   [][]string
	Align  string
}

// Tabulate shows one cell in each row. There is a column for changeovers where any cell had one. Of several pods it is the median, and in brackets the longest.
func Tabulate(cells []Cell) Table {
	t := Table{
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
		t.insertChangeovers(cells)
	}
	return t
}

// insertChangeovers shows the resets by changeovers, right of the losses since they are none.
func (t *Table) insertChangeovers(cells []Cell) {
	const column = "changeover resets"
	at := slices.Index(t.Header, "lost to") + 1
	t.Header, t.Align = slices.Insert(t.Header, at, column), t.Align[:at]+"r"+t.Align[at:]
	for i, c := range cells {
		t.Rows[i] = slices.Insert(t.Rows[i], at, Count(c.Changeovers))
	}
}

// Markdown is the table in Markdown.
func (t Table) Markdown() string {
	rule := make([]string, len(t.Header))
	for i := range rule {
		rule[i] = map[byte]string{'l': "---", 'r': "---:"}[t.Align[i]]
	}
	var b strings.Builder
	for _, row := range append([][]string{t.Header, rule}, t.Rows...) {
		fmt.Fprintf(&b, "| %s |\n", strings.Join(row, " | "))
	}
	return b.String()
}

func (c Cell) columns() []string {
	return []string{
		c.Where(), c.Setup.Strategy, c.outcome(), Count(c.Requests), Count(c.Lost), Percent(c.Share()), c.causes(),
		middleAndMost(c.TrueDelay()), middleAndMost(c.Termination()), c.silence(),
		c.Calm.columns(), c.Rollout.columns(),
	}
}

// outcome is empty where nothing is claimed of the cell alone.
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
		all[i] = fmt.Sprintf("%s\u00a0×\u00a0%s", Count(c.ByCause[cause]), cause)
	}
	return strings.Join(all, ", ")
}

func (c Cell) silence() string {
	if longest, told := c.Required(); told {
		return longest.String()
	}
	return ""
}

func middleAndMost(median, longest Seconds) string {
	if median.String() == longest.String() {
		return median.String()
	}
	return fmt.Sprintf("%v (%v)", median, longest)
}

// columns leaves the last quantile out where there were too few requests for it.
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

// milliseconds shows the digits that mean something.
func milliseconds(s Seconds) string {
	ms := time.Duration(s).Seconds() * 1e3
	if ms < 10 {
		return fmt.Sprintf("%.1f", ms)
	}
	return Count(int(ms + 0.5))
}

// Percent shows a share; nothing but zero is shown as zero.
func Percent(share float64) string {
	if 0 < share && share < 0.0001 {
		return "< 0.01 %"
	}
	return fmt.Sprintf("%.2f %%", 100*share)
}
