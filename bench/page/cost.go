package main

import (
	"fmt"
	"image/color"

	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
)

// cost is the CPU time per request of every peer, a panel for each case, with the spread of the rounds. It is empty where
// it was not measured.
func (o *overhead) cost() string {
	var cases []overheadCase
	for _, c := range o.Cases {
		if _, found := o.find(c.Name, lameduck, "cpu"); found {
			cases = append(cases, c)
		}
	}
	if len(cases) == 0 {
		return ""
	}
	const width, head, bar, gap = 1000, 44, 20, 26
	panel := vg.Length(head + bar*len(o.peersWith("cpu")) + gap)
	rows := (len(cases) + 1) / 2
	f := newFigure(width, panel*vg.Length(rows))
	for i, c := range cases {
		left, top := vg.Length(i%2)*(width/2), f.height-panel*vg.Length(i/2)
		o.costPanel(f, c, left+8, left+width/2-16, top)
	}
	return f.finish("CPU time per request of every proxy; the figures are in the tables below")
}

// costPanel draws one case from its upper edge down.
func (o *overhead) costPanel(f figure, c overheadCase, left, right, top vg.Length) {
	const bar, labels, values = 20, 110, 142
	first, _ := o.find(c.Name, lameduck, "cpu")
	f.write(left, top-18, bold(textStyle(13, ink)), c.Name)
	f.write(left, top-33, textStyle(11, muted), fmt.Sprintf("%s, %s", c.Title, first.Unit))
	peers := o.peersWith("cpu")
	x := scale{0, o.most(c.Name, "cpu"), left + labels, right - values}
	for i, peer := range peers {
		s, found := o.find(c.Name, peer, "cpu")
		if !found {
			continue
		}
		y := top - 44 - bar*vg.Length(i+1) + 4
		f.bar(s, x, y, left)
	}
}

// bar draws a peer's median, and a line from the lowest round to the highest.
func (f figure) bar(s series, x scale, y, left vg.Length) {
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
	words := s.show(s.Median)
	if s.Ratio > 0 {
		words += fmt.Sprintf("  (lameduck: × %.2f)", s.Ratio)
	}
	f.write(x.of(s.High)+6, y+2, value, words)
}

// peersWith returns the peers that have a metric in any case.
func (o *overhead) peersWith(metric string) []string {
	var all []string
	for _, p := range o.Peers {
		for _, c := range o.Cases {
			if _, found := o.find(c.Name, p.Name, metric); found {
				all = with(all, p.Name)
			}
		}
	}
	return all
}

// most is the highest value of a metric in a case.
func (o *overhead) most(caseName, metric string) float64 {
	most := 0.0
	for _, p := range o.Peers {
		if s, found := o.find(caseName, p.Name, metric); found {
			most = max(most, s.High)
		}
	}
	return most
}
