package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"time"

	"lameduck/bench/internal/plan"
	"lameduck/bench/internal/table"
	"lameduck/bench/matrix/record"
	"lameduck/bench/trial"
)

// A runner runs a trial. It is trial.Run except in tests.
type runner func(ctx context.Context, c trial.Config) (*trial.Result, error)

// A matrix is a run over cells.
type matrix struct {
	run      runner
	programs trial.Programs
	// binary identifies the build of lameduck.
	binary string
	// path is the file of the record. logs is the directory for the output of pods.
	path, logs string
	display    plan.Display

	// cells are all cells that the file may contain, in its order.
	cells []cell

	mu   sync.Mutex
	file *record.File
	err  error // of writing the record
}

// measure measures the cells and writes the record after each.
func (m *matrix) measure(ctx context.Context, todo []cell) error {
	if err := m.write(); err != nil {
		return err
	}
	if err := m.plan(todo).Run(ctx, m.display); err != nil {
		return err
	}
	return m.failed()
}

// plan returns the steps: first the cells that run alone, then all others together.
func (m *matrix) plan(todo []cell) plan.Plan {
	alone, together := split(todo)
	var p plan.Plan
	for _, c := range alone {
		p = append(p, plan.Step{Name: c.name(), Takes: c.takes(), Do: func(ctx context.Context) error {
			m.do(ctx, c)
			return m.failed(ctx)
		}})
	}
	if len(together) > 0 {
		all := pools(together)
		name := fmt.Sprintf("%d cells in lanes", len(together))
		p = append(p, plan.Step{Name: name, Takes: longest(all), Do: func(ctx context.Context) error {
			runPools(ctx, all, m.do)
			return m.failed(ctx)
		}})
	}
	return p
}

func longest(all []pool) time.Duration {
	var takes time.Duration
	for _, p := range all {
		takes = max(takes, p.takes())
	}
	return takes
}

// failed returns the error that ends the run: that of a context, or of writing the record.
func (m *matrix) failed(ctxs ...context.Context) error {
	for _, ctx := range ctxs {
		if err := context.Cause(ctx); err != nil {
			return err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.err
}

// do measures a cell, a second time if the first failed, and records the result, unless ctx is
// done. It reports false if the run has ended.
func (m *matrix) do(ctx context.Context, c cell) bool {
	measured, err := m.try(ctx, c)
	if err != nil && ctx.Err() == nil {
		m.display.Print(fmt.Sprintf("%s could not be measured, retrying: %v", c.name(), err))
		measured, err = m.try(ctx, c)
	}
	if err != nil && ctx.Err() != nil {
		return false
	}
	m.note(c, measured, err)
	return m.failed(ctx) == nil
}

// try runs the cell's trial. The output of its pods is kept only if the result is not as expected.
func (m *matrix) try(ctx context.Context, c cell) (record.Cell, error) {
	logs := filepath.Join(m.logs, strings.ReplaceAll(c.name(), "/", "_"))
	if err := os.MkdirAll(logs, 0o755); err != nil {
		return record.Cell{}, fmt.Errorf("create a directory for the output of the pods: %w", err)
	}
	g := c.config
	g.Programs, g.Logs = m.programs, logs
	began := time.Now()
	r, err := m.run(ctx, g)
	if err != nil {
		return record.Cell{}, err
	}
	measured := c.summary(r)
	measured.Binary, measured.Began = m.binary, began.UTC().Truncate(time.Second)
	measured.Took = record.Seconds(time.Since(began))
	if len(record.Missed(record.Judge([]record.Cell{measured}))) == 0 {
		os.RemoveAll(logs)
	}
	return measured, nil
}

// note adds a cell, or the reason for its absence, to the record and prints it.
func (m *matrix) note(c cell, measured record.Cell, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err != nil {
		m.leaveOut(c, err.Error())
	} else {
		m.file.Cells = append(m.file.Cells, measured)
		m.display.Print(line(measured))
	}
	m.err = m.write()
}

// leaveOut records and prints that a cell is left out.
func (m *matrix) leaveOut(c cell, why string) {
	m.file.LeftOut = append(m.file.LeftOut, record.LeftOut{Name: c.name(), Why: why})
	m.display.Print(fmt.Sprintf("%s is left out: %s", c.name(), why))
}

// line summarizes a cell in one line, and one more for each missed verdict.
func line(c record.Cell) string {
	_, longest := c.Termination()
	_, lag := c.TrueDelay()
	s := fmt.Sprintf("%s: %s of %s requests lost, pods ended after at most %v, true delay %v",
		c.Name, table.Count(c.Lost), table.Count(c.Requests), longest, lag)
	if c.Changeovers > 0 {
		s += fmt.Sprintf(", %s reset by the load balancer's changeover", table.Count(c.Changeovers))
	}
	for _, v := range record.Missed(record.Judge([]record.Cell{c})) {
		s += "\n  MISSED: " + v.Sentence
	}
	return s
}

// write writes the record to its file, in the order of the matrix.
func (m *matrix) write() error {
	m.file.Sort(names(m.cells))
	return m.file.Write(m.path)
}

func names(cells []cell) []string {
	var all []string
	for _, c := range cells {
		all = append(all, c.name())
	}
	return all
}

// resume reuses those cells of an earlier record that have the same program and setup. It returns
// the other cells.
func (m *matrix) resume(old *record.File, todo []cell) []cell {
	for _, c := range m.cells {
		done, found := old.Find(c.name())
		if found && done.Binary == m.binary && reflect.DeepEqual(done.Setup, c.setup()) {
			m.file.Cells = append(m.file.Cells, done)
		}
	}
	var rest []cell
	for _, c := range todo {
		if _, done := m.file.Find(c.name()); !done {
			rest = append(rest, c)
		}
	}
	return rest
}

// possible returns the cells whose programs are installed, and leaves the others out.
func (m *matrix) possible(todo []cell) []cell {
	var can []cell
	for _, c := range todo {
		if why := c.missing(m.programs); why != "" {
			m.leaveOut(c, "missing "+why)
			continue
		}
		can = append(can, c)
	}
	return can
}
