package main

import (
	"fmt"
	"image/color"
	"slices"
	"strings"

	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"

	costs "lameduck/bench/overhead/record"
)

// The height of a panel is the sum of its head, a bar for each peer, and the gap below.
const costHead, costBar, costGap = 44, 20, 26

// cost draws the CPU time of every peer, per request or per amount of bytes, with the spread of the
// rounds. There is a panel for each case. It returns "" if nothing was measured.
func (o *overhead) cost() string {
	const width = 1000
	rows := slices.Collect(slices.Chunk(o.costs(), 2))
	if len(rows) == 0 {
		return ""
	}
	height := vg.Length(0)
	for _, row := range rows {
		height += o.costHeight(row)
	}
	f := newFigure(width, height)
	top := f.height
	for _, row := range rows {
		for i, c := range row {
			left := vg.Length(i) * (width / 2)
			o.costPanel(f, c, left+8, left+width/2-16, top)
		}
		top -= o.costHeight(row)
	}
	return f.finish("CPU time of every proxy, per request or per 64 MiB; the values are in the tables below")
}

// costHeight returns the height of the panels in a row.
func (o *overhead) costHeight(row []costs.Case) vg.Length {
	most := 0
	for _, c := range row {
		most = max(most, len(o.measured(c.Name, "cpu")))
	}
	return costHead + costBar*vg.Length(most) + costGap
}

// costPanel draws one case, downwards from its upper edge.
func (o *overhead) costPanel(f figure, c costs.Case, left, right, top vg.Length) {
	const labels, values = 110, 160
	first, _ := o.find(c.Name, lameduck, "cpu")
	f.write(left, top-18, bold(textStyle(13, ink)), c.Name)
	title, _, _ := strings.Cut(c.Title, ";") // the tables have the rest
	f.write(left, top-33, textStyle(11, muted), fmt.Sprintf("%s, %s", title, first.Unit))
	x := scale{0, o.most(c.Name, "cpu"), left + labels, right - values}
	for i, s := range o.measured(c.Name, "cpu") {
		f.bar(s, x, top-costHead-costBar*vg.Length(i+1)+4, left)
	}
}

// bar draws a peer's median, and a line from the lowest round to the highest.
func (f figure) bar(s costs.Series, x scale, y, left vg.Length) {
	const thick = 13
	var fill color.Color = grey
	style := textStyle(12, ink)
	if s.Peer == lameduck {
		fill, style = blue, bold(textStyle(12, blue))
	}
	f.write(left, y+2, style, s.Peer)
	f.box(x.at, y, x.of(s.Median), y+thick, fill)
	middle := y + thick/2.0
	f.line(x.of(s.Low), middle, x.of(s.High), middle, 1, ink)
	for _, end := range []float64{s.Low, s.High} {
		f.line(x.of(end), middle-3, x.of(end), middle+3, 1, ink)
	}
	value := textStyle(12, ink)
	value.XAlign = text.XLeft
	words := s.Number(s.Median)
	if s.Ratio > 0 {
		words += fmt.Sprintf("  (lameduck: × %.2f)", s.Ratio)
	}
	f.write(x.of(s.High)+6, y+2, value, words)
}

// measured returns the series of a metric in a case, for the peers that have it.
func (o *overhead) measured(caseName, metric string) []costs.Series {
	var all []costs.Series
	for _, p := range o.Peers {
		if s, found := o.find(caseName, p.Name, metric); found {
			all = append(all, s)
		}
	}
	return all
}

// most returns the highest value of a metric in a case.
func (o *overhead) most(caseName, metric string) float64 {
	most := 0.0
	for _, s := range o.measured(caseName, metric) {
		most = max(most, s.High)
	}
	return most
}
