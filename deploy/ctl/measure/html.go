package measure

import (
	"bytes"
	_ "embed" // for the template and the style sheet
	"fmt"
	"html/template"
	"os"
	"time"
)

//go:embed page.tmpl
var pageTemplate string

//go:embed page.css
var styleSheet string

// mostFailures is how many lost requests the page lists. The JSON has all.
const mostFailures = 500

// A page is the data of the template.
type page struct {
	*Report
	Style                template.CSS
	Verdict              string
	Load                 string
	Made                 string
	Causes               []causeRow
	Losses, LatencyChart template.HTML
	PodChart             template.HTML
	Shown                []Failure
	Left                 int // failures that are not listed
}

// A causeRow is a row of the table of causes, which is the key of the chart.
type causeRow struct {
	Swatch      template.HTML
	Name, Text  string
	Count       int
	Share       string
	First, Last string
}

// HTML returns the report as one page, which loads nothing.
func (p *Report) HTML() ([]byte, error) {
	t, err := template.New("page").Funcs(template.FuncMap{"count": count, "time": seconds, "maybe": maybe}).Parse(pageTemplate)
	if err != nil {
		return nil, fmt.Errorf("parse the template: %w", err)
	}
	shown := p.Failures[:min(len(p.Failures), mostFailures)]
	data := page{
		Report: p, Style: template.CSS(styleSheet), Verdict: p.lostLine(), Load: p.loadLine(),
		Made:   p.Started.Format("2 January 2006, 15:04:05 MST"),
		Causes: p.causeRows(), Losses: p.lossChart(), LatencyChart: p.latencyChart(),
		PodChart: p.podChart(),
		Shown:    shown, Left: len(p.Failures) - len(shown),
	}
	var b bytes.Buffer
	if err := t.Execute(&b, data); err != nil {
		return nil, fmt.Errorf("execute the template: %w", err)
	}
	return b.Bytes(), nil
}

// WriteHTML writes the page to a file.
func (p *Report) WriteHTML(path string) error {
	page, err := p.HTML()
	if err != nil {
		return err
	}
	return os.WriteFile(path, page, 0o644)
}

func (p *Report) causeRows() []causeRow {
	var rows []causeRow
	for i, c := range sortedCauses(p.Causes) {
		row := causeRow{
			Swatch: swatch(i), Name: c, Text: CauseText(c), Count: p.Causes[c],
			Share: percent(float64(p.Causes[c]) / float64(max(p.Requests, 1))),
		}
		for _, f := range p.Failures {
			if f.Cause == c {
				row.Last = seconds(f.At)
				if row.First == "" {
					row.First = row.Last
				}
			}
		}
		rows = append(rows, row)
	}
	return rows
}

// seconds formats a time of the load.
func seconds(s Seconds) string { return fmt.Sprintf("%.1f s", time.Duration(s).Seconds()) }

// maybe formats a time that may be absent.
func maybe(s *Seconds) string {
	if s == nil {
		return "–"
	}
	return seconds(*s)
}
