package main

import (
	"cmp"
	"fmt"
	"slices"

	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"

	"lameduck/bench/matrix/record"
)

// multiples draws a small timeline for each strategy (rows) and each load balancer (columns). It
// returns "" if there are no cells.
func multiples(cells []record.Cell) string {
	var columns, rows []string
	for _, c := range cells {
		columns = with(columns, c.Where())
	}
	for _, c := range inOrder(cells) {
		rows = with(rows, c.Setup.Strategy)
	}
	if len(rows) == 0 {
		return ""
	}
	const width, left, gap, head, foot, each, pods = 1000, 140, 14, 30, 40, 74, 14
	height := vg.Length(head + foot + each*len(rows))
	f := newFigure(width, height)
	column := (vg.Length(width-left) - gap*vg.Length(len(columns))) / vg.Length(len(columns))
	end := multiplesEnd(cells)
	for i, where := range columns {
		from := left + (column+gap)*vg.Length(i)
		x := scale{-2, end, from, from + column}
		f.write(from, height-18, bold(textStyle(13, ink)), where)
		for j, strategy := range rows {
			k := slices.IndexFunc(cells, func(c record.Cell) bool {
				return c.Where() == where && c.Setup.Strategy == strategy
			})
			if k < 0 {
				continue
			}
			bottom := height - vg.Length(head+each*(j+1))
			t := timeline{f, x, scale{0, worst(cells), bottom + pods + 4, bottom + each - 20}, pods}
			t.draw(cells[k])
			f.share(t, cells[k])
		}
		timeline{figure: f, x: x}.axis(foot+2, axisStep(x)*2)
	}
	for j, strategy := range rows {
		style := textStyle(12, ink)
		if isLameduck(cells, strategy) {
			style = bold(textStyle(12, blue))
		}
		f.write(8, height-vg.Length(head+each*j)-each/2-2, style, strategy)
	}
	style := textStyle(11, muted)
	style.XAlign = text.XCenter
	f.write((left+width)/2, 6, style, fmt.Sprintf("seconds since the first termination began; "+
		"the highest bar is %s lost requests per second", number0(worst(cells))))
	return f.finish("requests lost over time, one panel for each strategy and load balancer; " +
		"the values are in the first table")
}

// inOrder returns the cells ordered by family, and sleeps by their length.
func inOrder(cells []record.Cell) []record.Cell {
	order := map[record.Family]int{
		record.Graceful: 1, record.Sleep: 2, record.Peer: 3, record.Fixed: 4, record.Lameduck: 5,
	}
	sorted := slices.Clone(cells)
	slices.SortStableFunc(sorted, func(a, b record.Cell) int {
		return cmp.Or(order[a.Setup.Family]-order[b.Setup.Family], cmp.Compare(a.Setup.Delay, b.Setup.Delay))
	})
	return sorted
}

// share writes the share of lost requests above the right end of a panel.
func (f figure) share(t timeline, c record.Cell) {
	style := textStyle(11, muted)
	words := "none lost"
	if c.Lost > 0 {
		style, words = bold(textStyle(11, red)), record.Percent(c.Share())+" lost"
	}
	style.XAlign = text.XRight
	f.write(t.x.end, t.y.end+3, style, words)
}

// multiplesEnd returns the end of the panels, in seconds. It ignores sleeps, since long ones would
// compress everything else.
func multiplesEnd(cells []record.Cell) float64 {
	end := 0.0
	for _, c := range cells {
		if c.Setup.Family != record.Sleep {
			end = max(end, gone(c), removed(c))
		}
	}
	return end + 2
}

func isLameduck(cells []record.Cell, strategy string) bool {
	return slices.ContainsFunc(cells, func(c record.Cell) bool {
		return c.Setup.Strategy == strategy && c.Setup.Family == record.Lameduck
	})
}

// with returns the names with one more, unless they contain it.
func with(names []string, name string) []string {
	if slices.Contains(names, name) {
		return names
	}
	return append(names, name)
}
