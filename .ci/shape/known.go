package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A kind of figure has a limit.
type kind struct {
	name  string
	what  string // is counted
	limit int
}

var kinds = []kind{
	{"methods", "methods", 50},
	{"booleans", "boolean fields", 6},
	{"function", "lines", 60},
	{"wide", "lines of Go of more than 120 columns", 59},
	{"arrows", "arrows between files against the layering", 14},
	{"idioms", "idioms that plain English has better words for", 0},
}

// A figure is what was counted for one type, function, package or directory.
type figure struct {
	kind     string
	name     string
	value    int
	findings []string // places, if there are several
}

func (f figure) key() string { return f.kind + " " + f.name }

// over reports whether the figure exceeds its limit.
func (f figure) over() bool {
	return slices.ContainsFunc(kinds, func(k kind) bool { return k.name == f.kind && f.value > k.limit })
}

// known has the figures that may exceed their limits, by kind and name.
type known map[string]int

func parseKnown(text string) (known, error) {
	k := make(known)
	for i, l := range strings.Split(text, "\n") {
		words := strings.Fields(l)
		if len(words) == 0 || words[0] == "#" {
			continue
		}
		if len(words) != 3 {
			return nil, fmt.Errorf("known.txt:%d: want a kind, a name and a number", i+1)
		}
		n, err := strconv.Atoi(words[2])
		if err != nil {
			return nil, fmt.Errorf("known.txt:%d: %w", i+1, err)
		}
		k[words[0]+" "+words[1]] = n
	}
	return k, nil
}

// lowered returns the list with each figure as it is, if that is lower, and without those within
// limits.
func (k known) lowered(figures []figure) string {
	var lines []string
	for _, f := range figures {
		if n, ok := k[f.key()]; ok && f.over() {
			lines = append(lines, fmt.Sprintf("%s %d", f.key(), min(n, f.value)))
		}
	}
	slices.Sort(lines)
	const title = "# What exceeds a limit: kind, name and figure. It may only shrink.\n"
	return title + strings.Join(append(lines, ""), "\n")
}
