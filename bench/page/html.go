package main

import (
	"bytes"
	_ "embed" // for the template and the style sheet
	"fmt"
	"html"
	"html/template"
	"regexp"

	"lameduck/bench/internal/table"
	"lameduck/bench/matrix/record"
	costs "lameduck/bench/overhead/record"
)

//go:embed page.tmpl
var pageTemplate string

//go:embed page.css
var styleSheet string

// page is the data of the template.
type page struct {
	Style    template.CSS
	Rollouts *rolloutsPage
	Overhead *overheadPage
	Hold     *holdPage
}

type rolloutsPage struct {
	Made             template.HTML
	Picture          template.HTML
	Findings         []template.HTML
	Multiples        template.HTML
	Scatter          template.HTML
	Groups           []groupPage
	Verdicts         []record.Verdict
	Missed           []record.Verdict
	LeftOut          []record.LeftOut
	Summary, Again   string
	Binary, Requests string
}

type groupPage struct {
	Name, Title, About string
	Table              template.HTML
}

type overheadPage struct {
	Made     template.HTML
	Findings []template.HTML
	Cost     template.HTML
	Cases    []groupPage
	Spread   string
	Quick    bool
	Peers    []costs.Peer
	Targets  []costs.Verdict
	Notes    []string
}

// html returns the whole page.
func (r results) html() ([]byte, error) {
	p := page{Style: template.CSS(styleSheet), Hold: r.hold.page()}
	if r.rollouts != nil {
		p.Rollouts = r.rolloutsPage()
	}
	if r.overhead != nil {
		p.Overhead = r.overheadPage()
	}
	t, err := template.New("page").Parse(pageTemplate)
	if err != nil {
		return nil, fmt.Errorf("parse the template: %w", err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, p); err != nil {
		return nil, fmt.Errorf("execute the template: %w", err)
	}
	return b.Bytes(), nil
}

func (r results) rolloutsPage() *rolloutsPage {
	f := r.rollouts
	requests, _, _ := total(f.Cells)
	p := &rolloutsPage{
		Made: marked(made(f.Machine, f.Time, f.Command)), Findings: allMarked(findings(f)),
		Picture: svg(r.picture()), Multiples: svg(multiples(f.Of("balancers"))),
		Scatter:  svg(scatter(f.Cells)),
		Verdicts: f.Verdicts, Missed: record.Missed(f.Verdicts), LeftOut: f.LeftOut,
		Summary: verdictSummary(f), Again: againSentence(f), Requests: table.Count(requests),
	}
	if len(f.Cells) > 0 {
		p.Binary = f.Cells[0].Binary
	}
	for _, g := range f.Groups {
		if cells := f.Of(g.Name); len(cells) > 0 {
			table := htmlTable("cells", record.Tabulate(cells))
			p.Groups = append(p.Groups, groupPage{g.Name, g.Title, g.About, table})
		}
	}
	return p
}

func (r results) overheadPage() *overheadPage {
	o := r.overhead
	p := &overheadPage{
		Made: marked(made(o.Machine, o.Time, "")), Findings: allMarked(o.findings()), Cost: svg(o.cost()),
		Spread: o.spreadSentence(), Quick: o.Quick, Peers: o.Peers, Targets: o.Targets, Notes: o.Notes,
	}
	for _, c := range o.Cases {
		p.Cases = append(p.Cases, groupPage{
			Name: c.Name, Title: c.Name, About: c.Title, Table: htmlTable("costs", o.table(c.Name)),
		})
	}
	return p
}

// svg embeds a picture in the page.
func svg(picture string) template.HTML { return template.HTML(inline(picture)) }

var (
	strong = regexp.MustCompile(`\*\*(.+?)\*\*`)
	code   = regexp.MustCompile("`(.+?)`")
)

// marked converts a sentence with Markdown's ** and backticks to HTML.
func marked(sentence string) template.HTML {
	s := html.EscapeString(sentence)
	s = strong.ReplaceAllString(s, "<strong>$1</strong>")
	return template.HTML(code.ReplaceAllString(s, "<code>$1</code>"))
}

func allMarked(sentences []string) []template.HTML {
	var all []template.HTML
	for _, s := range sentences {
		all = append(all, marked(s))
	}
	return all
}
