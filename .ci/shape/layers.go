package main

import (
	"cmp"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The files of a package are layers if they can be put in an order in which each file uses only
// what is declared in files below it. An arrow goes from a file to another whose functions,
// methods, types, fields, variables or constants it uses. The arrows against the layering are those
// that go up in the order of files that has the fewest of them. Finding the fewest is hard in
// general, so the order is that of a search which always gives the same result: files that nothing
// else depends on are placed first, and then single files are moved for as long as that helps.

// An edge is an arrow between two files.
type edge struct{ from, to string }

// arrows counts the arrows of a package against its layering.
func arrows(root, dir string) (figure, error) {
	edges, err := fileGraph(root, dir)
	if err != nil {
		return figure{}, err
	}
	order := layering(edges)
	place := make(map[string]int)
	for i, file := range order {
		place[file] = i
	}
	f := figure{kind: "arrows", name: dir}
	for _, e := range sortedEdges(edges) {
		if place[e.from] > place[e.to] {
			f.value++
			f.findings = append(f.findings,
				fmt.Sprintf("%s/%s uses %s of %s, a layer above it", dir, e.from, edges[e], e.to))
		}
	}
	if f.value > 0 {
		f.findings = append(f.findings, "layers, the highest first: "+strings.Join(order, " "))
	}
	return f, nil
}

func sortedEdges[V any](edges map[edge]V) []edge {
	return slices.SortedFunc(maps.Keys(edges), func(a, b edge) int {
		return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to))
	})
}

// fileGraph returns the arrows between the files of a package, each with one of the names that make
// it.
func fileGraph(root, dir string) (map[edge]string, error) {
	list, err := output(root, "go", "list", "-e", "-export", "-deps", "-f", "{{.ImportPath}}={{.Export}}", "./"+dir)
	if err != nil {
		return nil, err
	}
	exports := make(map[string]string)
	for _, l := range strings.Fields(list) {
		name, file, _ := strings.Cut(l, "=")
		exports[name] = file
	}
	lookup := func(name string) (io.ReadCloser, error) {
		if exports[name] == "" {
			return nil, fmt.Errorf("no export data of %s", name)
		}
		return os.Open(exports[name])
	}
	names, err := output(root, "go", "list", "-f", `{{range .GoFiles}}{{.}} {{end}}`, "./"+dir)
	if err != nil {
		return nil, err
	}
	set := token.NewFileSet()
	var files []*ast.File
	for _, name := range strings.Fields(names) {
		f, err := parser.ParseFile(set, filepath.Join(root, dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	info := &types.Info{Uses: make(map[*ast.Ident]types.Object)}
	config := types.Config{Importer: importer.ForCompiler(set, "gc", lookup)}
	pkg, err := config.Check(dir, set, files, info)
	if err != nil {
		return nil, err
	}
	return edgesOf(set, pkg, info)
}

func edgesOf(set *token.FileSet, pkg *types.Package, info *types.Info) (map[edge]string, error) {
	edges := make(map[edge]string)
	uses := slices.SortedFunc(maps.Keys(info.Uses), func(a, b *ast.Ident) int { return cmp.Compare(a.Pos(), b.Pos()) })
	for _, use := range uses {
		o := info.Uses[use]
		if o.Pkg() != pkg || !o.Pos().IsValid() {
			continue
		}
		e := edge{filepath.Base(set.Position(use.Pos()).Filename), filepath.Base(set.Position(o.Pos()).Filename)}
		if _, seen := edges[e]; e.from != e.to && !seen {
			edges[e] = o.Name()
		}
	}
	if len(edges) == 0 {
		return nil, errors.New("no file uses another")
	}
	return edges, nil
}

// layering orders the files so that few arrows go up.
func layering[V any](edges map[edge]V) []string {
	nodes := make(map[string]bool)
	for e := range edges {
		nodes[e.from], nodes[e.to] = true, true
	}
	order := greedyOrder(slices.Sorted(maps.Keys(nodes)), edges)
	for improve(order, edges) {
	}
	return order
}

// greedyOrder places files that use no other at the end, files that no other uses at the beginning,
// and in a cycle the file that uses the most and is used the least (Eades, Lin and Smyth, 1993).
func greedyOrder[V any](nodes []string, edges map[edge]V) []string {
	var top, bottom []string
	for len(nodes) > 0 {
		best, bestScore := "", 0
		for _, n := range nodes {
			out, in := 0, 0
			for _, m := range nodes {
				if _, ok := edges[edge{n, m}]; ok {
					out++
				}
				if _, ok := edges[edge{m, n}]; ok {
					in++
				}
			}
			score := out - in
			switch {
			case out == 0:
				score = -len(edges) - 1
			case in == 0:
				score = len(edges) + 1
			}
			if best == "" || out == 0 || bestScore != -len(edges)-1 && score > bestScore {
				best, bestScore = n, score
			}
			if out == 0 {
				break
			}
		}
		if bestScore == -len(edges)-1 {
			bottom = append(bottom, best)
		} else {
			top = append(top, best)
		}
		nodes = slices.DeleteFunc(slices.Clone(nodes), func(n string) bool { return n == best })
	}
	slices.Reverse(bottom)
	return append(top, bottom...)
}

// improve moves one file to the place where the fewest arrows go up, and reports whether that
// helped.
func improve[V any](order []string, edges map[edge]V) bool {
	upward := func(from, to string) int {
		if _, ok := edges[edge{from, to}]; ok {
			return 1
		}
		return 0
	}
	for i, file := range order {
		best, gain := i, 0
		for step := range []int{-1, 1} {
			change := 0
			direction := 2*step - 1
			for j := i + direction; j >= 0 && j < len(order); j += direction {
				// Passing order[j] turns the arrows between the two round.
				down, up := upward(file, order[j]), upward(order[j], file)
				if direction < 0 {
					down, up = up, down
				}
				change += down - up
				if change < gain {
					best, gain = j, change
				}
			}
		}
		if best != i {
			rest := slices.Delete(slices.Clone(order), i, i+1)
			copy(order, slices.Insert(rest, best, file))
			return true
		}
	}
	return false
}
