package main

import (
	"fmt"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"lameduck/bench/hold/record"
)

// none is where the logarithmic axis shows a share of zero, in percent.
const none = 0.001

// overhang is the time that nine of ten rollouts stay below after their last request, against the
// share of rollouts with a request after the end. Each mark is a shape under a rule.
func overhang(f *record.File) string {
	const width, height, legend = 1000, 520, 330
	p := overhangPlot()
	for i := len(f.Rules) - 1; i >= 0; i-- { // the first one is on top
		var points plotter.XYs
		for n, s := range f.Shapes {
			o := s.Outcomes[i]
			x := max(none, 100*float64(o.Early)/float64(f.Rollouts)) * apart(n)
			points = append(points, plotter.XY{X: x, Y: max(0, o.AfterP90)})
		}
		addPoints(p, points, ruleGlyph(f.Rules[i].Name))
	}
	fig := newFigure(width, height)
	p.Draw(draw.Crop(fig.Canvas, 12, -legend, 32, -36))
	fig.write(14, height-20, textStyle(12, muted), "↑ after the last request, p90")
	label := textStyle(12, muted)
	label.XAlign = text.XRight
	fig.write(width-legend, 10, label, "rollouts with a request after the end →")
	y := vg.Length(height - 50)
	for _, r := range f.Rules {
		fig.entry(width-legend+16, y, ruleGlyph(r.Name), r.Title)
		y -= 20
	}
	return fig.finish("early ends of holds against their overhang, for each rule and shape of traffic; " +
		"the figures are in the tables")
}

func overhangPlot() *plot.Plot {
	p := plot.New()
	grid := plotter.NewGrid()
	grid.Horizontal.Color, grid.Horizontal.Width = faint, 0.4
	grid.Vertical = grid.Horizontal
	p.Add(grid)
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Tick.Label.Font.Size, a.Tick.Label.Color = 11, muted
		a.LineStyle.Color, a.Tick.LineStyle.Color = faint, faint
		a.Padding = 0
	}
	ticks := plot.ConstantTicks{{Value: none, Label: "none"}}
	for v := 0.01; v <= 100; v *= 10 {
		ticks = append(ticks, plot.Tick{Value: v, Label: fmt.Sprintf("%.3g %%", v)})
	}
	p.X.Min, p.X.Max, p.X.Scale, p.X.Tick.Marker = none*0.8, 130, plot.LogScale{}, ticks
	p.Y.Min, p.Y.Max = 0, 118
	ticks = nil
	for v := 0.0; v <= 110; v += 10 {
		ticks = append(ticks, plot.Tick{Value: v, Label: fmt.Sprintf("%.0f s", v)})
	}
	p.Y.Tick.Marker = ticks
	return p
}

// ruleGlyph is the mark of a rule.
func ruleGlyph(name string) draw.GlyphStyle {
	style := draw.GlyphStyle{Color: grey, Radius: 4, Shape: draw.PyramidGlyph{}}
	switch name {
	case "lameduck":
		style.Color, style.Shape = blue, draw.CircleGlyph{}
	case "longest-gap":
		style.Color, style.Shape = sky, ring{}
	case "quiet-15":
		style.Color = purple
	case "quiet-30":
		style.Color = darkGrey
	case "sleep-15":
		style.Color, style.Shape = orange, draw.BoxGlyph{}
	case "sleep-60":
		style.Color, style.Shape = red, draw.BoxGlyph{}
	}
	return style
}
