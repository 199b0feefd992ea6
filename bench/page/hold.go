package main

import (
	"fmt"
	"html/template"
	"strings"

	"lameduck/bench/hold/record"
	"lameduck/bench/internal/table"
)

// A hold has the results of bench/hold. Either may be nil.
type hold struct {
	simulated *record.File
	measured  *record.Measured
}

// holdPage is what the template shows of it.
type holdPage struct {
	Made, MeasuredMade           template.HTML
	Findings                     []template.HTML
	Figure                       template.HTML
	Promises, Overview, Measured template.HTML
	Shapes                       []groupPage
}

func (h hold) page() *holdPage {
	if h.simulated == nil && h.measured == nil {
		return nil
	}
	p := new(holdPage)
	if f := h.simulated; f != nil {
		p.Made, p.Findings = marked(made(f.Machine, f.Time, f.Command)), allMarked(h.findings())
		p.Figure = svg(overhang(f))
		p.Promises, p.Overview = htmlTable("cells", f.Promises()), htmlTable("cells", f.Overview())
		for _, s := range f.Shapes {
			p.Shapes = append(p.Shapes, groupPage{s.Name, s.Title, s.About, htmlTable("cells", f.Comparison(s))})
		}
	}
	if m := h.measured; m != nil {
		p.MeasuredMade = marked(made(m.Machine, m.Time, m.Command))
		p.Measured = htmlTable("cells", m.Table())
	}
	return p
}

// findings are sentences about the simulation.
func (h hold) findings() []string {
	f := h.simulated
	promised := 0
	for _, s := range f.Shapes {
		if s.Limits != nil {
			promised++
		}
	}
	missed := "each keeps its limits"
	if names := f.Missed(); len(names) > 0 {
		missed = "these miss a limit: " + strings.Join(names, ", ")
	}
	all := []string{fmt.Sprintf("**%s rollouts** of %d shapes of traffic were simulated in %.0f s. Of the %d "+
		"shapes with limits %s.", table.Count(f.Rollouts*len(f.Shapes)), len(f.Shapes), f.Seconds,
		promised, missed)}
	for i, r := range f.Rules {
		all = append(all, fmt.Sprintf("**%s**: a request came after the end in %s of %s rollouts; a quarter of "+
			"the shapes waited more than %s after the last request in a tenth of their rollouts.", r.Title,
			table.Count(f.Early(i)), table.Count(f.Rollouts*len(f.Shapes)), f.UpperQuartile(i)))
	}
	return all
}

// markdown is the section of results.md.
func (h hold) markdown(b *strings.Builder) {
	p := h.page()
	if p == nil {
		return
	}
	b.WriteString("\n## When a hold ends\n\n")
	if f := h.simulated; f != nil {
		fmt.Fprintf(b, "%s\n\n", made(f.Machine, f.Time, f.Command))
		bullets(b, h.findings())
		fmt.Fprintf(b, "\n### The promises\n\n%s", f.Promises().Markdown())
		fmt.Fprintf(b, "\n### Every shape under every rule\n\n%s\n\n%s", overviewSentence,
			f.Overview().Markdown())
	}
	if m := h.measured; m != nil {
		fmt.Fprintf(b, "\n### The real program\n\n%s\n\n%s", made(m.Machine, m.Time, m.Command),
			m.Table().Markdown())
	}
}

const overviewSentence = "Share of rollouts with a request after the end of the hold, and the time from the " +
	"last request to the end of the hold that nine of ten rollouts stay below. A negative time is before the " +
	"last request."
