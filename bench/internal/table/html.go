package table

import (
	"fmt"
	"html"
	"html/template"
	"strings"
)

// Classes are the CSS classes of a table in HTML. Each cell also has the class l or r.
type Classes struct {
	Table string
	Row   func(cells []string) string
	Cell  func(text string) string
}

// HTML returns the table as HTML. Brackets at the end of a cell are small.
func (t Table) HTML(c Classes) template.HTML {
	var b strings.Builder
	fmt.Fprintf(&b, `<div class="scroll"><table class="%s"><thead>`, c.Table)
	t.writeHTML(&b, "th", t.Header, c)
	b.WriteString("</thead><tbody>")
	for _, row := range t.Rows {
		t.writeHTML(&b, "td", row, c)
	}
	b.WriteString("</tbody></table></div>")
	return template.HTML(b.String())
}

func (t Table) writeHTML(b *strings.Builder, tag string, row []string, c Classes) {
	fmt.Fprintf(b, `<tr class="%s">`, c.Row(row))
	for i, cell := range row {
		fmt.Fprintf(b, `<%s class="%c %s">%s</%s>`, tag, t.Align[i], c.Cell(cell), withSmallBrackets(cell), tag)
	}
	b.WriteString("</tr>\n")
}

// withSmallBrackets escapes a cell and makes brackets at its end small.
func withSmallBrackets(cell string) string {
	before, inside, found := strings.Cut(html.EscapeString(cell), " (")
	if !found {
		return before
	}
	return before + " <small>(" + inside + "</small>"
}
