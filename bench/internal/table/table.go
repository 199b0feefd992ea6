package table

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// A Table is a table with a header. Every row has as many cells as the header.
type Table struct {
	Header []string
	Rows   [][]string
	// Align has an l (left) or an r (right) for each column.
	Align string
}

// gap is the space between the columns of a text.
const gap = "  "

// Text returns the table as text, with a rule below the header. Each column is as wide as its
// widest cell.
func (t Table) Text() string {
	widths := t.widths()
	total := len(gap) * (len(widths) - 1)
	for _, w := range widths {
		total += w
	}
	var b strings.Builder
	t.writeText(&b, t.Header, widths)
	fmt.Fprintln(&b, strings.Repeat("─", total))
	for _, row := range t.Rows {
		t.writeText(&b, row, widths)
	}
	return b.String()
}

func (t Table) widths() []int {
	widths := make([]int, len(t.Header))
	for _, row := range append([][]string{t.Header}, t.Rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	return widths
}

func (t Table) writeText(b *strings.Builder, row []string, widths []int) {
	for i, cell := range row {
		if i > 0 {
			b.WriteString(gap)
		}
		width := widths[i]
		if t.Align[i] == 'l' {
			width = -width
		}
		fmt.Fprintf(b, "%*s", width, cell)
	}
	b.WriteByte('\n')
}

// Markdown returns the table as Markdown.
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
