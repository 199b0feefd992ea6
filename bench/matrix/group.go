package main

import "lameduck/bench/matrix/record"

// A group is a part of the matrix that answers one question.
type group struct {
	name, title, about string
	cells              []cell
}

// of returns the group with more cells.
func (g group) of(cells ...[]cell) group {
	for _, cs := range cells {
		g.cells = append(g.cells, cs...)
	}
	return g
}

// each returns one cell for each strategy.
func (g group) each(where string, strategies []strategy, with ...option) []cell {
	var cells []cell
	for _, w := range strategies {
		cells = append(cells, newCell(g.name, where, w, with...))
	}
	return cells
}

func described(groups []group) []record.Group {
	var all []record.Group
	for _, g := range groups {
		all = append(all, record.Group{Name: g.name, Title: g.title, About: g.about})
	}
	return all
}
