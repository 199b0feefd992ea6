package record

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"lameduck/bench/internal/jsonfile"
	"lameduck/bench/internal/machine"
)

// A File has all results of a run.
type File struct {
	Machine machine.Description `json:"machine"`
	// Command is the command line of the run, and Time is its start.
	Command string    `json:"command"`
	Time    time.Time `json:"time"`
	// Groups and Cells are in the order of the matrix.
	Groups []Group `json:"groups"`
	Cells  []Cell  `json:"cells"`
	// LeftOut has the cells that could not be measured.
	LeftOut []LeftOut `json:"left_out,omitempty"`
	// Verdicts are derived from the cells.
	Verdicts []Verdict `json:"verdicts"`
}

// LeftOut is a cell that was not measured.
type LeftOut struct {
	Name string `json:"name"`
	Why  string `json:"why"`
}

// A Group is a part of the matrix that answers one question.
type Group struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	About string `json:"about"` // what varies and what does not
}

// Find returns the cell of that name.
func (f *File) Find(name string) (Cell, bool) {
	i := slices.IndexFunc(f.Cells, func(c Cell) bool { return c.Name == name })
	if i < 0 {
		return Cell{}, false
	}
	return f.Cells[i], true
}

// Of returns the cells of a group.
func (f *File) Of(group string) []Cell {
	var cells []Cell
	for _, c := range f.Cells {
		if c.Group == group {
			cells = append(cells, c)
		}
	}
	return cells
}

// Read reads the file at path. It returns [os.ErrNotExist] if there is none.
func Read(path string) (*File, error) { return jsonfile.Read[File](path) }

// Write judges the cells and writes the file to path, atomically.
func (f *File) Write(path string) error {
	f.Verdicts = Judge(f.Cells)
	text, err := f.encode()
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	next, err := os.CreateTemp(filepath.Dir(path), ".rollouts-")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	_, err = next.Write(text)
	err = errors.Join(err, next.Chmod(0o644), next.Close())
	if err == nil {
		err = os.Rename(next.Name(), path)
	}
	if err != nil {
		os.Remove(next.Name())
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// encode returns the file as JSON with one line for each group, cell and verdict, so that a
// comparison of two files shows the cells that differ.
func (f *File) encode() ([]byte, error) {
	head, err := json.Marshal(struct {
		Machine machine.Description `json:"machine"`
		Command string              `json:"command"`
		Time    time.Time           `json:"time"`
	}{f.Machine, f.Command, f.Time})
	if err != nil {
		return nil, err
	}
	text := head[:len(head)-1]
	for _, list := range []struct {
		name  string
		items []any
	}{
		{"groups", items(f.Groups)}, {"cells", items(f.Cells)},
		{"left_out", items(f.LeftOut)}, {"verdicts", items(f.Verdicts)},
	} {
		text = fmt.Appendf(text, ",\n%q:[", list.name)
		for i, item := range list.items {
			line, err := json.Marshal(item)
			if err != nil {
				return nil, err
			}
			if i > 0 {
				text = append(text, ',')
			}
			text = append(append(text, '\n'), line...)
		}
		text = append(text, ']')
	}
	return append(text, "}\n"...), nil
}

func items[T any](list []T) []any {
	all := make([]any, len(list))
	for i, item := range list {
		all[i] = item
	}
	return all
}

// Sort sorts the cells, and those that were left out, in the order of the given names.
func (f *File) Sort(names []string) {
	place := map[string]int{}
	for i, n := range names {
		place[n] = i
	}
	slices.SortStableFunc(f.Cells, func(a, b Cell) int { return place[a.Name] - place[b.Name] })
	slices.SortStableFunc(f.LeftOut, func(a, b LeftOut) int { return place[a.Name] - place[b.Name] })
}
