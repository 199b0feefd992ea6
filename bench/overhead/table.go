package main

import (
	"fmt"
	"strings"

	"lameduck/bench/internal/table"
)

// nothing is the content of a cell without a value.
const nothing = "–"

// tabulate returns a table with the values of all cases: a column for each peer, and two rows for
// each metric, the second with lameduck's ratio.
func tabulate(r *results, cases []benchCase, peers []peer) table.Table {
	names := peerNames(peers)
	t := table.Table{Header: append([]string{""}, names...), Align: "l" + strings.Repeat("r", len(names))}
	for _, c := range cases {
		for _, m := range c.Metrics {
			if m.Hidden {
				continue
			}
			t.Rows = append(t.Rows, valueRow(r, c, m, names))
			if ratios := ratioRow(r, c, m, names); ratios != nil {
				t.Rows = append(t.Rows, ratios)
			}
		}
	}
	return t
}

func valueRow(r *results, c benchCase, m metric, names []string) []string {
	title := fmt.Sprintf("**%s** %s", c.Name, m.Title)
	if m.Unit != "" {
		title += ", " + m.Unit
	}
	row := []string{title}
	for _, name := range names {
		cell := valueCell(r.values(c.Name, name, m.Name), m.Digits)
		if r.atLeast(c.Name, name, m) {
			cell = "≥ " + cell
		}
		row = append(row, cell)
	}
	return row
}

// valueCell formats the median, and the range if its ends differ at that precision.
func valueCell(values []float64, digits int) string {
	if len(values) == 0 {
		return nothing
	}
	return summarise(values).Format(digits)
}

// ratioRow returns nil if there is nothing to compare.
func ratioRow(r *results, c benchCase, m metric, names []string) []string {
	if m.Alone {
		return nil
	}
	row, found := []string{"lameduck ÷ peer"}, false
	for _, name := range names {
		ratio, ok := r.ratio(c.Name, name, m)
		if !ok || name == lameduck {
			row = append(row, "")
			continue
		}
		row, found = append(row, table.Number(ratio, 2)), true
	}
	if !found {
		return nil
	}
	return row
}
