package main

import (
	"fmt"
	"strings"
	"time"

	"lameduck/bench/internal/machine"
	"lameduck/bench/matrix/record"
)

// markdown returns the page as Markdown: the sentences and every table, without the figures.
func (r results) markdown() string {
	var b strings.Builder
	b.WriteString("# What a rolling update loses, and what it costs\n")
	if r.rollouts != nil {
		r.rolloutsMarkdown(&b)
	}
	r.hold.markdown(&b)
	if r.overhead != nil {
		r.overheadMarkdown(&b)
	}
	return b.String()
}

func (r results) rolloutsMarkdown(b *strings.Builder) {
	f := r.rollouts
	fmt.Fprintf(b, "\n%s\n\n", made(f.Machine, f.Time, f.Command))
	if r.picture() != "" {
		b.WriteString("![What a rollout loses, and how long its pods take to terminate](rollouts.svg)\n\n")
	}
	bullets(b, findings(f))
	for _, g := range f.Groups {
		if cells := f.Of(g.Name); len(cells) > 0 {
			fmt.Fprintf(b, "\n## %s\n\n%s\n\n%s", g.Title, g.About, record.Tabulate(cells).Markdown())
		}
	}
	fmt.Fprintf(b, "\n## Verdicts\n\n%s\n\n", verdictSummary(f))
	for _, v := range record.Missed(f.Verdicts) {
		fmt.Fprintf(b, "- missed: %s: %s\n", v.Cell, v.Sentence)
	}
	for _, l := range f.LeftOut {
		fmt.Fprintf(b, "- left out: %s: %s\n", l.Name, l.Why)
	}
	fmt.Fprintf(b, "\n%s\n", againSentence(f))
}

func (r results) overheadMarkdown(b *strings.Builder) {
	o := r.overhead
	fmt.Fprintf(b, "\n## What a proxy in front of an app costs\n\n%s\n\n", made(o.Machine, o.Time, ""))
	bullets(b, o.findings())
	for _, c := range o.Cases {
		fmt.Fprintf(b, "\n### %s\n\n", c.Name)
		if c.Title != "" {
			fmt.Fprintf(b, "%s\n\n", capital(c.Title))
		}
		b.WriteString(o.table(c.Name).Markdown())
	}
	fmt.Fprintf(b, "\n%s\n\n", o.spreadSentence())
	for _, t := range o.Targets {
		fmt.Fprintf(b, "- %s: %s\n", outcome(t.Holds), t.Sentence)
	}
	bullets(b, o.Notes)
}

func bullets(b *strings.Builder, sentences []string) {
	for _, s := range sentences {
		fmt.Fprintf(b, "- %s\n", s)
	}
}

func outcome(holds bool) string {
	if holds {
		return "holds"
	}
	return "missed"
}

// made returns the machine, the date and the command of results.
func made(m machine.Description, at time.Time, command string) string {
	parts := []string{m.String(), at.Format(time.DateOnly)}
	if command != "" {
		parts = append(parts, "`"+command+"`")
	}
	return strings.Join(parts, "; ") + "."
}

func verdictSummary(f *record.File) string {
	missed := len(record.Missed(f.Verdicts))
	return fmt.Sprintf("%d of %d verdicts hold.", len(f.Verdicts)-missed, len(f.Verdicts))
}
