package record

import (
	"fmt"
	"strings"

	"lameduck/bench/internal/table"
)

// Promises is the table of the shapes with limits: the figures of the first rule beside them.
func (f *File) Promises() table.Table {
	t := table.Table{
		Header: []string{"shape", "after, p50", "limit", "after, p90", "limit",
			"rollouts with a request after the end", "limit", "verdict"},
		Align: "lrrrrrrl",
	}
	for _, s := range f.Shapes {
		if s.Limits == nil {
			continue
		}
		o, verdict := s.Outcomes[0], "PASS"
		if !s.Limits.Keeps(o, f.Rollouts) {
			verdict = "miss"
		}
		t.Rows = append(t.Rows, []string{s.Title,
			seconds(o.AfterP50), fmt.Sprintf("%.0f s", s.Limits.AfterP50),
			seconds(o.AfterP90), fmt.Sprintf("%.0f s", s.Limits.AfterP90),
			f.share(o.Early), fmt.Sprintf("%.1f %%", 100*s.Limits.Early), verdict})
	}
	return t
}

// Comparison is the table of the rules for one shape.
func (f *File) Comparison(s Shape) table.Table {
	t := table.Table{
		Header: []string{"rule", "rollouts with a request after the end", "requests after the end",
			"after, p50", "after, p90", "hold, p50", "hold, p90", "ended by Max"},
		Align: "lrrrrrrr",
	}
	for i, o := range s.Outcomes {
		t.Rows = append(t.Rows, []string{f.Rules[i].Title, f.share(o.Early), table.Count(o.Lost),
			seconds(o.AfterP50), seconds(o.AfterP90), seconds(o.HoldP50), seconds(o.HoldP90),
			f.share(o.AtMax)})
	}
	return t
}

// Overview is the table of all shapes, with the early ends and the overhang of each rule.
func (f *File) Overview() table.Table {
	t := table.Table{Header: []string{"shape"}, Align: "l" + strings.Repeat("r", len(f.Rules))}
	for _, r := range f.Rules {
		t.Header = append(t.Header, r.Title)
	}
	for _, s := range f.Shapes {
		row := []string{s.Title}
		for _, o := range s.Outcomes {
			row = append(row, fmt.Sprintf("%s, %s", f.share(o.Early), seconds(o.AfterP90)))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func seconds(s float64) string { return fmt.Sprintf("%.1f s", s) }

// share shows a number of rollouts as a share, with the digits that it has.
func (f *File) share(n int) string {
	switch p := 100 * float64(n) / float64(f.Rollouts); {
	case n == 0:
		return "0"
	case p < 0.1:
		return fmt.Sprintf("%.3f %%", p)
	case p < 10:
		return fmt.Sprintf("%.2f %%", p)
	default:
		return fmt.Sprintf("%.0f %%", p)
	}
}

// Early returns the number of rollouts of all shapes with a request after the end, under a rule.
func (f *File) Early(rule int) (n int) {
	for _, s := range f.Shapes {
		n += s.Outcomes[rule].Early
	}
	return n
}

// UpperQuartile shows the time that three quarters of the shapes stay below under a rule, by the
// ninetieth percentile of their rollouts after the last request.
func (f *File) UpperQuartile(rule int) string {
	var after []float64
	for _, s := range f.Shapes {
		after = append(after, s.Outcomes[rule].AfterP90)
	}
	return seconds(quantile(after, 0.75))
}
