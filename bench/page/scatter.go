package main

import (
	"fmt"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"lameduck/bench/matrix/record"
)

// families returns the families of the scatter plot in the order in which they are drawn.
func families() []record.Family {
	return []record.Family{record.Bare, record.Graceful, record.Peer, record.Sleep, record.Fixed, record.Lameduck}
}

// title returns a family's name in the legend.
func title(f record.Family) string {
	return map[record.Family]string{
		record.Bare: "bare", record.Graceful: "graceful app", record.Sleep: "preStop sleep",
		record.Peer: "other proxies", record.Fixed: "Lameduck, fixed quiet time", record.Lameduck: "Lameduck",
	}[f]
}

// glyphOf returns the mark of a family. Most marks differ in shape too.
func glyphOf(f record.Family) draw.GlyphStyle {
	style := draw.GlyphStyle{Color: colourOf(f), Radius: 3.5, Shape: ring{}}
	switch f {
	case record.Lameduck:
		style.Shape = draw.CircleGlyph{}
	case record.Fixed:
		style.Radius = 5
	case record.Sleep:
		style.Shape = draw.BoxGlyph{}
	case record.Peer:
		style.Shape = draw.PyramidGlyph{}
	}
	return style
}

var lostGlyph = draw.GlyphStyle{Color: red, Radius: 6, Shape: cross{}}

// cross and ring are like those of package draw, but with thicker lines.
type (
	cross struct{}
	ring  struct{}
)

const glyphLine = 1.5

func (cross) DrawGlyph(c *draw.Canvas, s draw.GlyphStyle, at vg.Point) {
	line := draw.LineStyle{Color: s.Color, Width: glyphLine}
	r := s.Radius * math.Sqrt2 / 2
	c.StrokeLine2(line, at.X-r, at.Y-r, at.X+r, at.Y+r)
	c.StrokeLine2(line, at.X-r, at.Y+r, at.X+r, at.Y-r)
}

func (ring) DrawGlyph(c *draw.Canvas, s draw.GlyphStyle, at vg.Point) {
	c.SetLineStyle(draw.LineStyle{Color: s.Color, Width: glyphLine})
	var p vg.Path
	p.Move(vg.Point{X: at.X + s.Radius, Y: at.Y})
	p.Arc(at, s.Radius, 0, 2*math.Pi)
	p.Close()
	c.Stroke(p)
}

// least is the shortest time on the logarithmic axes. Shorter times are drawn there.
const least = 0.5

// scatter draws the termination time of every pod against the load balancer's true delay, with a
// cross if the rollout lost requests. It returns "" if there are no cells.
func scatter(cells []record.Cell) string {
	if len(cells) == 0 {
		return ""
	}
	const width, height, legend = 1000, 600, 220
	p := newPlot(most(cells))
	var all []record.Family
	for _, family := range families() {
		points, lost := pointsOf(cells, family)
		if len(points) > 0 {
			all = append(all, family)
		}
		addPoints(p, points, glyphOf(family))
		addPoints(p, lost, lostGlyph)
	}
	f := newFigure(width, height)
	p.Draw(draw.Crop(f.Canvas, 12, -legend, 32, -36))
	f.write(14, height-20, textStyle(12, muted), "↑ termination time of the pod")
	label := textStyle(12, muted)
	label.XAlign = text.XRight
	f.write(width-legend, 10, label, "true delay of the load balancer →")
	f.legend(width-legend+16, height-50, all)
	return f.finish("termination time of every pod against the load balancer's true delay; " +
		"the values are in the tables")
}

// most returns the end of the axes, a little more than the longest time of any pod.
func most(cells []record.Cell) float64 {
	longest := 1.0
	for _, c := range cells {
		for _, p := range c.Pods {
			longest = max(longest, seconds(p.Took), seconds(p.Lag))
		}
	}
	return longest * 1.3
}

// newPlot returns a plot with logarithmic axes. The area below the diagonal is shaded: pods there
// end before the load balancer has removed them.
func newPlot(most float64) *plot.Plot {
	p := plot.New()
	below, err := plotter.NewPolygon(plotter.XYs{{X: least, Y: least}, {X: most, Y: least}, {X: most, Y: most}})
	if err == nil { // an error would mean NaN or infinity
		below.Color, below.LineStyle.Width = shade, 0
		p.Add(below)
	}
	grid := plotter.NewGrid()
	grid.Horizontal.Color, grid.Horizontal.Width = faint, 0.4
	grid.Vertical = grid.Horizontal
	diagonal := plotter.NewFunction(func(x float64) float64 { return x })
	diagonal.Color, diagonal.Width, diagonal.Dashes = muted, 1, []vg.Length{4, 3}
	diagonal.Samples = 2
	p.Add(grid, diagonal)
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Tick.Label.Font.Size, a.Tick.Label.Color = 11, muted
		a.LineStyle.Color, a.Tick.LineStyle.Color = faint, faint
		a.Min, a.Max, a.Padding = least, most, 0
		a.Scale, a.Tick.Marker = plot.LogScale{}, logTicks(most)
	}
	return p
}

// logTicks returns ticks at 1, 2 and 5 times each power of ten.
func logTicks(most float64) plot.ConstantTicks {
	ticks := plot.ConstantTicks{{Value: least, Label: fmt.Sprintf("≤ %g s", least)}}
	for power := 0.1; power <= most; power *= 10 {
		for _, m := range []float64{1, 2, 5} {
			if v := m * power; v > least && v <= most {
				ticks = append(ticks, plot.Tick{Value: v, Label: fmt.Sprintf("%.2g s", v)})
			}
		}
	}
	for i := range ticks {
		if v := ticks[i].Value; v >= 100 {
			ticks[i].Label = fmt.Sprintf("%.0f s", v)
		}
	}
	return ticks
}

func addPoints(p *plot.Plot, points plotter.XYs, style draw.GlyphStyle) {
	s, err := plotter.NewScatter(points)
	if err != nil {
		return // no points, or NaN or infinity
	}
	s.GlyphStyle = style
	p.Add(s)
}

// pointsOf returns the pods of a family's cells, and those whose cells lost requests. Pods with the
// same delay are drawn a little apart.
func pointsOf(cells []record.Cell, family record.Family) (points, lost plotter.XYs) {
	n := 0
	for _, c := range cells {
		for _, p := range c.Pods {
			n++
			if c.Setup.Family != family {
				continue
			}
			point := plotter.XY{X: max(least, seconds(p.Lag)) * apart(n), Y: max(least, seconds(p.Took))}
			points = append(points, point)
			if c.Lost > 0 {
				lost = append(lost, point)
			}
		}
	}
	return points, lost
}

// apart returns a factor near 1 that differs from one point to the next.
func apart(i int) float64 {
	const golden = 0.618 // its multiples modulo 1 are spread evenly
	_, part := math.Modf(float64(i) * golden)
	return 0.95 + 0.1*part
}

// legend draws the legend, downwards from the given corner.
func (f figure) legend(x, y vg.Length, all []record.Family) {
	entry := func(style draw.GlyphStyle, words string) {
		f.entry(x, y, style, words)
		y -= 20
	}
	for i := len(all) - 1; i >= 0; i-- {
		entry(glyphOf(all[i]), title(all[i]))
	}
	entry(lostGlyph, "requests were lost")
	y -= 10
	for _, words := range []string{
		"Shaded: the pod ends before", "the load balancer removes it.", "",
		"Pods with the same delay are", "drawn a little apart.",
	} {
		style := textStyle(11, muted)
		style.YAlign = text.YBottom
		f.write(x, y, style, words)
		y -= 15
	}
}

// entry is a line of a legend.
func (f figure) entry(x, y vg.Length, style draw.GlyphStyle, words string) {
	f.DrawGlyph(style, vg.Point{X: x + 6, Y: y + 4})
	f.write(x+20, y, textStyle(12, ink), words)
}
