package table

import (
	"math"
	"testing"
)

func example() Table {
	return Table{
		Header: []string{"strategy", "lost", "note"},
		Rows:   [][]string{{"bare", "1,234", "< 1 (of 2)"}, {"lameduck", "0", "–"}},
		Align:  "lrr",
	}
}

func TestText(t *testing.T) {
	const want = `strategy   lost        note
───────────────────────────
bare      1,234  < 1 (of 2)
lameduck      0           –
`
	if got := example().Text(); got != want {
		t.Errorf("the text is\n%swant\n%s", got, want)
	}
}

func TestMarkdown(t *testing.T) {
	const want = `| strategy | lost | note |
| --- | ---: | ---: |
| bare | 1,234 | < 1 (of 2) |
| lameduck | 0 | – |
`
	if got := example().Markdown(); got != want {
		t.Errorf("the Markdown is\n%swant\n%s", got, want)
	}
}

func TestHTML(t *testing.T) {
	const want = `<div class="scroll"><table class="cells"><thead><tr class="row">` +
		`<th class="l strategy">strategy</th><th class="r lost">lost</th><th class="r note">note</th></tr>
</thead><tbody><tr class="row"><td class="l bare">bare</td><td class="r 1,234">1,234</td>` +
		`<td class="r < 1 (of 2)">&lt; 1 <small>(of 2)</small></td></tr>
<tr class="row"><td class="l lameduck">lameduck</td><td class="r 0">0</td><td class="r –">–</td></tr>
</tbody></table></div>`
	got := example().HTML(Classes{
		Table: "cells",
		Row:   func([]string) string { return "row" },
		Cell:  func(text string) string { return text },
	})
	if string(got) != want {
		t.Errorf("the HTML is\n%s\nwant\n%s", got, want)
	}
}

func TestNumbers(t *testing.T) {
	for got, want := range map[string]string{
		Count(0): "0", Count(999): "999", Count(-999): "-999", Count(1000): "1,000", Count(-1000): "-1,000",
		Count(math.MaxInt): "9,223,372,036,854,775,807",
		Number(0.5, 0):     "0", Number(1234.5678, 2): "1,234.57", Number(-123456, 1): "-123,456.0",
		Number(999.96, 1): "1,000.0", Number(0.004, 2): "0.00",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
