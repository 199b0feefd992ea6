package measure

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"strings"
	"time"

	"lameduck/lifecycle/plural"
)

// The charts are drawn here rather than with the plots of the bench, since their colours must follow
// the page into dark mode and their size the window. Lengths are in the units of the viewBox.
const (
	chartWidth = 1000.0
	chartLeft  = 64.0
	chartRight = 988.0
	chartTop   = 24.0
)

// A chart is an SVG picture over the time of the load.
type chart struct {
	strings.Builder
	bottom float64 // of the plot
	span   float64 // seconds
}

// newChart begins a chart with a plot of the given height. The alternative text describes it.
func newChart(alt string, span time.Duration, height float64) *chart {
	c := &chart{bottom: chartTop + height, span: math.Max(span.Seconds(), 1)}
	fmt.Fprintf(c, `<svg viewBox="0 0 %g %g" role="img" aria-label="%s">`, chartWidth, c.bottom+40,
		html.EscapeString(alt))
	return c
}

func (c *chart) x(seconds float64) float64 {
	return chartLeft + (chartRight-chartLeft)*min(max(seconds/c.span, 0), 1)
}

// axis draws the seconds below the plot.
func (c *chart) axis() {
	fmt.Fprintf(c, `<path class="axis" d="M%g %.1fH%g"/>`, chartLeft, c.bottom, chartRight)
	step := roundStep(c.span / 10)
	for v := 0.0; v <= c.span*1.0001; v += step {
		fmt.Fprintf(c, `<path class="axis" d="M%.1f %.1fv4"/>`, c.x(v), c.bottom)
		c.text(c.x(v), c.bottom+18, "middle", "", fmt.Sprintf("%g", v))
	}
	c.text((chartLeft+chartRight)/2, c.bottom+35, "middle", "", "seconds since the start of the load")
}

// line draws a labelled line of the grid.
func (c *chart) line(y float64, label string) {
	fmt.Fprintf(c, `<path class="grid" d="M%g %.1fH%g"/>`, chartLeft, y, chartRight)
	c.text(chartLeft-6, y+4, "end", "", label)
}

func (c *chart) text(x, y float64, anchor, class, text string) {
	fmt.Fprintf(c, `<text x="%.1f" y="%.1f" text-anchor="%s" class="%s">%s</text>`, x, y, anchor, class,
		html.EscapeString(text))
}

func (c *chart) finish() template.HTML {
	c.WriteString("</svg>")
	return template.HTML(c.String())
}

// roundStep returns the smallest of 1, 2 and 5 times a power of ten that is at least v.
func roundStep(v float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{1, 2, 5} {
		if m*power >= v*(1-1e-9) {
			return m * power
		}
	}
	return 10 * power
}

// hatches are the patterns of causes, so that they can be distinguished without colour. The first is
// solid.
var hatches = []string{
	"",
	"M-2 2L2 -2M0 8L8 0M6 10L10 6", // rising lines
	"M0 2H8M0 6H8",                 // horizontal lines
	"M2 2h1.5M6 6h1.5",             // dots
	"M-2 6L2 10M0 0L8 8M6 -2L10 2", // falling lines
	"M2 0V8M6 0V8",                 // vertical lines
	"M0 0L8 8M0 8L8 0",             // crosses
	"M0 4H8M4 0V8",                 // a grid
	"M0 4L2 1L4 4L6 7L8 4",         // waves
	"M4 1a3 3 0 1 0 0.1 0",         // circles
	"M0 1H8",                       // sparse horizontal lines
	"M1 0V8",                       // sparse vertical lines
	"M0 8L8 0",                     // sparse rising lines
	"M3 3h2v2h-2z",
	"M0 6H3M5 2H8",   // dashes
	"M0 0L4 4M4 4V8", // branches
}

// patterns defines the patterns of the first n causes.
func patterns(prefix string, n int) string {
	var b strings.Builder
	b.WriteString("<defs>")
	for i := range n {
		hatch := hatches[i%len(hatches)]
		class := "bare"
		if hatch == "" {
			class = "fill"
		}
		fmt.Fprintf(&b, `<pattern id="%s%d" width="8" height="8" patternUnits="userSpaceOnUse">`+
			`<rect class="%s" width="8" height="8"/><path class="hatch" d="%s"/></pattern>`, prefix, i, class, hatch)
	}
	b.WriteString("</defs>")
	return b.String()
}

// swatch returns the pattern of a cause for the table.
func swatch(i int) template.HTML {
	return template.HTML(fmt.Sprintf(`<svg class="swatch" width="26" height="16" viewBox="0 0 26 16" `+
		`aria-hidden="true"><rect class="bar" x="0.5" y="0.5" width="25" height="15" fill="url(#cause%d)"/></svg>`, i))
}

// lossChart draws the lost requests of each bin as stacked bars.
func (p *Report) lossChart() template.HTML {
	causes := sortedCauses(p.Causes)
	most, width := 1, p.binSeconds()
	for _, b := range p.Timeline {
		most = max(most, b.Lost)
	}
	c := newChart(fmt.Sprintf("%s over time, by cause", plural.Count(p.Lost, "lost request")),
		time.Duration(p.Seconds), 190)
	c.WriteString(patterns("cause", len(causes)))
	c.text(chartLeft, chartTop-9, "start", "title", "lost requests "+perBin(width))
	y := func(n float64) float64 { return c.bottom - (c.bottom-chartTop)*n/float64(most) }
	step := math.Max(roundStep(float64(most)/5), 1)
	for n := step; n <= float64(most); n += step {
		c.line(y(n), fmt.Sprintf("%g", n))
	}
	for _, b := range p.Timeline {
		at, below := time.Duration(b.At).Seconds(), 0
		for i, cause := range causes {
			if n := b.Causes[cause]; n > 0 {
				x, top := c.x(at), y(float64(below+n))
				fmt.Fprintf(c, `<rect class="bar" x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="url(#cause%d)">`+
					`<title>%s</title></rect>`, x, top, max(c.x(at+width)-x-1, 1.5), y(float64(below))-top, i,
					html.EscapeString(fmt.Sprintf("%d × %s at %g s", n, cause, at)))
				below += n
			}
		}
	}
	c.axis()
	return c.finish()
}

// binSeconds returns the width of the bins.
func (p *Report) binSeconds() float64 {
	if len(p.Timeline) < 2 {
		return 1
	}
	return time.Duration(p.Timeline[1].At - p.Timeline[0].At).Seconds()
}

func perBin(width float64) string {
	if width == 1 {
		return "in each second"
	}
	return fmt.Sprintf("in each %g seconds", width)
}

// latencyChart draws the median and the 99th percentile of each bin on a logarithmic scale.
func (p *Report) latencyChart() template.HTML {
	low, high := p.latencyRange()
	c := newChart(fmt.Sprintf("latency over time: median %v, 99th percentile %v, longest %v", p.Latency.P50,
		p.Latency.P99, p.Latency.Max), time.Duration(p.Seconds), 150)
	c.text(chartLeft, chartTop-9, "start", "title", "latency: median (solid) and 99th percentile (dashed)")
	y := func(m Millis) float64 {
		v := math.Log10(max(float64(m), 1)/low) / math.Log10(high/low)
		return c.bottom - (c.bottom-chartTop)*min(max(v, 0), 1)
	}
	for v := low; v <= high*1.0001; v *= 10 {
		c.line(y(Millis(v)), Millis(v).String())
	}
	var p50, p99 strings.Builder
	command := "M"
	for _, b := range p.Timeline {
		if b.P50 == 0 { // none was answered
			command = "M"
			continue
		}
		x := c.x(time.Duration(b.At).Seconds() + p.binSeconds()/2)
		fmt.Fprintf(&p50, "%s%.1f %.1f", command, x, y(b.P50))
		fmt.Fprintf(&p99, "%s%.1f %.1f", command, x, y(b.P99))
		command = "L"
	}
	fmt.Fprintf(c, `<path class="p99" d="%s"/><path class="p50" d="%s"/>`, p99.String(), p50.String())
	c.axis()
	return c.finish()
}

// latencyRange returns powers of ten around the latencies of the timeline, in nanoseconds.
func (p *Report) latencyRange() (low, high float64) {
	low, high = math.Inf(1), 0
	for _, b := range p.Timeline {
		if b.P50 > 0 {
			low, high = min(low, float64(b.P50)), max(high, float64(b.P99))
		}
	}
	if high == 0 {
		return float64(time.Millisecond), float64(time.Second)
	}
	low = math.Pow(10, math.Floor(math.Log10(low)))
	return low, max(math.Pow(10, math.Ceil(math.Log10(high))), low*10)
}
