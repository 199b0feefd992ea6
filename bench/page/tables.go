package main

import (
	"bytes"
	"fmt"
	"html"
	"html/template"
	"strings"

	"lameduck/bench/matrix/record"
)

// nothing stands where there is nothing to show.
const nothing = "–"

// ratioRow names the row with Lameduck's value as a multiple of each peer's.
const ratioRow = "lameduck ÷ peer"

// table shows every metric of a case, with Lameduck's ratios below it.
func (o *overhead) table(caseName string) record.Table {
	t := record.Table{Header: []string{""}, Align: "l" + strings.Repeat("r", len(o.Peers))}
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

func withUnit(s series) string {
	if s.Unit == "" {
		return s.Title
	}
	return s.Title + ", " + s.Unit
}

// htmlTable is the table with a class for itself, for each column's side, and for rows and cells that are to be seen at once.
func htmlTable(class string, t record.Table) template.HTML {
	var b bytes.Buffer
	fmt.Fprintf(&b, `<div class="scroll"><table class="%s"><thead>`, class)
	htmlRow(&b, "th", t.Header, t.Align)
	b.WriteString("</thead><tbody>")
	for _, row := range t.Rows {
		htmlRow(&b, "td", row, t.Align)
	}
	b.WriteString("</tbody></table></div>")
	return template.HTML(b.String())
}

func htmlRow(b *bytes.Buffer, tag string, cells []string, align string) {
	fmt.Fprintf(b, `<tr class="%s">`, rowClass(cells))
	for i, cell := range cells {
		fmt.Fprintf(b, `<%s class="%c %s">%s</%s>`, tag, align[i], cellClass(cell), withSmallBrackets(cell), tag)
	}
	b.WriteString("</tr>\n")
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

// withSmallBrackets sets what stands in brackets at a cell's end apart.
func withSmallBrackets(cell string) string {
	before, inside, found := strings.Cut(html.EscapeString(cell), " (")
	if !found {
		return before
	}
	return before + " <small>(" + inside + "</small>"
}
