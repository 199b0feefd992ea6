package main

import (
	"fmt"
	"html/template"
	"strings"

	"lameduck/bench/internal/table"
	costs "lameduck/bench/overhead/record"
)

// nothing is the content of a cell without a value.
const nothing = "–"

// ratioRow is the name of the row with Lameduck's value divided by each peer's.
const ratioRow = "lameduck ÷ peer"

// table returns a table with every metric of a case and Lameduck's ratios below it.
func (o *overhead) table(caseName string) table.Table {
	t := table.Table{Header: []string{""}, Align: "l" + strings.Repeat("r", len(o.Peers))}
	for _, p := range o.Peers {
		t.Header = append(t.Header, p.Name)
	}
	for _, m := range o.metrics(caseName) {
		values, ratios, compared := []string{withUnit(m)}, []string{ratioRow}, false
		for _, p := range o.Peers {
			s, found := o.find(caseName, p.Name, m.Metric)
			if !found {
				values, ratios = append(values, nothing), append(ratios, "")
				continue
			}
			values = append(values, s.String())
			if s.Ratio == 0 {
				ratios = append(ratios, "")
				continue
			}
			ratios, compared = append(ratios, fmt.Sprintf("× %.2f", s.Ratio)), true
		}
		t.Rows = append(t.Rows, values)
		if compared {
			t.Rows = append(t.Rows, ratios)
		}
	}
	return t
}

func withUnit(s costs.Series) string {
	if s.Unit == "" {
		return s.Title
	}
	return s.Title + ", " + s.Unit
}

// htmlTable returns the table as HTML. The classes of rows and cells highlight Lameduck, ratios and
// verdicts.
func htmlTable(class string, t table.Table) template.HTML {
	return t.HTML(table.Classes{Table: class, Row: rowClass, Cell: cellClass})
}

func rowClass(cells []string) string {
	for _, cell := range cells[:min(2, len(cells))] {
		switch {
		case cell == ratioRow:
			return "ratio"
		case strings.HasPrefix(cell, lameduck):
			return lameduck
		}
	}
	return ""
}

func cellClass(cell string) string {
	switch cell {
	case "holds", "missed":
		return cell
	}
	return ""
}
