package main

import (
	"fmt"
	"strings"
)

// nothing stands in a cell where there is nothing to measure.
const nothing = "–"

// table renders the values of all cases as one Markdown table: a column for
// each peer, two rows for each metric, the second with lameduck's ratio.
func table(r *results, cases []benchCase, peers []peer) string {
	var out strings.Builder
	names := peerNames(peers)
	writeRow(&out, append([]string{""}, names...))
	writeRow(&out, append([]string{"---"}, repeat("---:", len(names))...))
	for _, c := range cases {
		for _, m := range c.Metrics {
			if m.Hidden {
				continue
			}
			writeRow(&out, valueRow(r, c, m, names))
			if ratios := ratioRow(r, c, m, names); ratios != nil {
				writeRow(&out, ratios)
			}
		}
	}
	return out.String()
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

// valueCell shows the median, and the lowest and highest value if they differ
// from it at that precision.
func valueCell(values []float64, digits int) string {
	if len(values) == 0 {
		return nothing
	}
	s := summarise(values)
	middle, low, high := number(s.Median, digits), number(s.Low, digits), number(s.High, digits)
	if low == high {
		return middle
	}
	return fmt.Sprintf("%s (%s–%s)", middle, low, high)
}

// ratioRow is nil when there is nothing to compare.
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
		row, found = append(row, number(ratio, 2)), true
	}
	if !found {
		return nil
	}
	return row
}

func writeRow(out *strings.Builder, cells []string) {
	fmt.Fprintf(out, "| %s |\n", strings.Join(cells, " | "))
}

func repeat(s string, n int) []string {
	var all []string
	for range n {
		all = append(all, s)
	}
	return all
}

// number shows v with so many digits behind the point, and thousands apart.
func number(v float64, digits int) string {
	text := fmt.Sprintf("%.*f", digits, v)
	whole, rest, _ := strings.Cut(text, ".")
	if rest != "" {
		rest = "." + rest
	}
	for i := len(whole) - 3; i > 0 && whole[i-1] != '-'; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	return whole + rest
}
