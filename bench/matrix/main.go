package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"lameduck/bench/internal/command"
	"lameduck/bench/internal/plan"
	"lameduck/bench/matrix/record"
	"lameduck/bench/trial"
)

// recordName is the name of the record in the directory of the results.
const recordName = "rollouts.json"

func main() {
	command.Main("matrix", func(ctx context.Context, args []string, stdout, stderr io.Writer) error {
		o, err := parseOptions(args, stderr)
		if err != nil {
			return err
		}
		if o.list {
			list(stdout, o.chosen())
			return nil
		}
		return run(ctx, o, stdout, plan.NewSparseDisplay(stderr))
	})
}

// run measures the cells and shows the results. If a result is not as expected, the output of its
// pods is kept and its directory printed. An interrupted run leaves only the record.
func run(ctx context.Context, o options, out io.Writer, d plan.Display) error {
	m := &matrix{run: trial.Run, display: d, cells: o.all(), path: filepath.Join(o.out, recordName)}
	if err := o.requireBalancers(); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "lameduck-matrix-")
	if err != nil {
		return fmt.Errorf("create a working directory: %w", err)
	}
	m.logs = filepath.Join(dir, "logs")
	err = m.work(ctx, o, dir)
	if err == nil {
		err = show(out, m.file, o.guard)
	}
	if ctx.Err() == nil && hasFiles(m.logs) {
		os.RemoveAll(filepath.Join(dir, programsName))
		d.Print("the output of pods with unexpected results is in " + m.logs)
		return err
	}
	return errors.Join(err, os.RemoveAll(dir))
}

// work builds the programs and measures the cells.
func (m *matrix) work(ctx context.Context, o options, dir string) error {
	m.display.Print("building the programs")
	if err := m.build(ctx, o, dir); err != nil {
		return err
	}
	m.file = &record.File{
		Machine: describeMachine(ctx, o.chosen()),
		Command: commandLine(os.Args[1:]), Time: time.Now().UTC().Truncate(time.Second),
		Groups: described(o.groups()),
	}
	todo, err := m.begin(o)
	if err != nil {
		return err
	}
	return m.measure(ctx, todo)
}

// begin returns the cells to measure: those that are possible and, with -resume, that an earlier
// record does not have.
func (m *matrix) begin(o options) ([]cell, error) {
	if err := os.MkdirAll(o.out, 0o755); err != nil {
		return nil, fmt.Errorf("create the directory for the results: %w", err)
	}
	todo := o.chosen()
	if o.resume {
		old, err := record.Read(m.path)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
		if old != nil {
			m.file.Time = old.Time
			for program, version := range old.Machine.Versions { // of cells that are not measured now
				if m.file.Machine.Versions[program] == "" {
					m.file.Machine.Versions[program] = version
				}
			}
			todo = m.resume(old, todo)
		}
	}
	if err := m.setAside(); err != nil {
		return nil, err
	}
	return m.possible(todo), nil
}

// setAside renames an earlier record unless all of it is reused, since it took an hour to make.
func (m *matrix) setAside() error {
	old, err := record.Read(m.path)
	if errors.Is(err, os.ErrNotExist) || err == nil && len(old.Cells) == len(m.file.Cells) {
		return nil
	}
	kept := m.path + ".old"
	if err := os.Rename(m.path, kept); err != nil {
		return fmt.Errorf("rename the earlier record: %w", err)
	}
	m.display.Print(fmt.Sprintf("renamed an earlier record to %s; %d of its cells are reused", kept, len(m.file.Cells)))
	return nil
}

// show writes the tables and the missed verdicts. If guard is set, missed verdicts are an error.
func show(out io.Writer, f *record.File, guard bool) error {
	for _, g := range f.Groups {
		if cells := f.Of(g.Name); len(cells) > 0 {
			fmt.Fprintf(out, "## %s\n\n%s\n\n%s\n", g.Title, g.About, record.Tabulate(cells).Markdown())
		}
	}
	missed := record.Missed(f.Verdicts)
	fmt.Fprintf(out, "%d of %d verdicts hold.\n\n", len(f.Verdicts)-len(missed), len(f.Verdicts))
	for _, v := range missed {
		fmt.Fprintf(out, "- missed: %s: %s\n", v.Cell, v.Sentence)
	}
	for _, l := range f.LeftOut {
		fmt.Fprintf(out, "- left out: %s: %s\n", l.Name, l.Why)
	}
	if guard && len(missed) > 0 {
		return fmt.Errorf("%d of %d verdicts are missed", len(missed), len(f.Verdicts))
	}
	return nil
}

func hasFiles(dir string) bool {
	found := false
	filepath.WalkDir(dir, func(_ string, e os.DirEntry, err error) error {
		found = found || err == nil && !e.IsDir()
		return nil
	})
	return found
}
