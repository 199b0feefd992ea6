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
	"lameduck/bench/matrix/record"
	"lameduck/bench/trial"
)

// runner does a trial: trial.Run, but in tests.
type runner func(ctx context.Context, c trial.Config) (*trial.Result, error)

// matrix is a run over cells.
type matrix struct {
	run      runner
	programs trial.Programs
	// binary tells the lameduck that is measured from others.
	binary string
	// path is that of the record, logs a directory for what pods write.
	path, logs string
	display    plan.Display

	// cells are what the file may hold, in its order.
	cells []cell

	mu   sync.Mutex
	file *record.File
	err  error // what kept the record from being written
}

// measure does the cells and writes the record after each.
func (m *matrix) measure(ctx context.Context, todo []cell) error {
	if err := m.write(); err != nil {
		return err
	}
	if err := m.plan(todo).Run(ctx, m.display); err != nil {
		return err
	}
	return m.failed()
}

// plan lays the cells out: first those that are run alone, then all others at once.
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
		p = append(p, plan.Step{Name: fmt.Sprintf("%d cells in lanes", len(together)), Takes: longest(all), Do: func(ctx context.Context) error {
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

// failed returns what ends the run: a context that is done, or a record that cannot be written.
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

// do tries a cell, a second time where the first could not be measured, and notes what came of it, unless it was
// interrupted before there was anything. It reports false when the run is over.
func (m *matrix) do(ctx context.Context, c cell) bool {
	measured, err := m.try(ctx, c)
	if err != nil && ctx.Err() == nil {
		m.display.Say(fmt.Sprintf("%s could not be measured and is tried again: %v", c.name(), err))
		measured, err = m.try(ctx, c)
	}
	if err != nil && ctx.Err() != nil {
		return false
	}
	m.note(c, measured, err)
	return m.failed(ctx) == nil
}

// try does the cell's trial. What its pods wrote is kept only where something is not as it must be.
func (m *matrix) try(ctx context.Context, c cell) (record.Cell, error) {
	logs := filepath.Join(m.logs, strings.ReplaceAll(c.name(), "/", "_"))
	if err := os.MkdirAll(logs, 0o755); err != nil {
		return record.Cell{}, fmt.Errorf("make a directory for what the pods write: %w", err)
	}
	g := c.config
	g.Programs, g.Logs = m.programs, logs
	began := time.Now()
	r, err := m.run(ctx, g)
	if err != nil {
		return record.Cell{}, err
	}
	measured := c.summary(r)
	measured.Binary, measured.Began, measured.Took = m.binary, began.UTC().Truncate(time.Second), record.Seconds(time.Since(began))
	if len(record.Missed(record.Judge([]record.Cell{measured}))) == 0 {
		os.RemoveAll(logs)
	}
	return measured, nil
}

// note adds a cell, or the reason for its absence, to the record, and says so.
func (m *matrix) note(c cell, measured record.Cell, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err != nil {
		m.leaveOut(c, err.Error())
	} else {
		m.file.Cells = append(m.file.Cells, measured)
		m.display.Say(line(measured))
	}
	m.err = m.write()
}

// leaveOut notes that a cell is not in the record.
func (m *matrix) leaveOut(c cell, why string) {
	m.file.LeftOut = append(m.file.LeftOut, record.LeftOut{Name: c.name(), Why: why})
	m.display.Say(fmt.Sprintf("%s is left out: %s", c.name(), why))
}

// line tells of a cell in one line.
func line(c record.Cell) string {
	_, longest := c.Termination()
	_, lag := c.TrueDelay()
	s := fmt.Sprintf("%s: %s of %s requests lost, pods ended after %v at most, true delay %v",
		c.Name, record.Count(c.Lost), record.Count(c.Requests), longest, lag)
	if c.Changeovers > 0 {
		s += fmt.Sprintf(", %s reset by the load balancer's changeover", record.Count(c.Changeovers))
	}
	for _, v := range record.Missed(record.Judge([]record.Cell{c})) {
		s += "\n  MISSED: " + v.Sentence
	}
	return s
}

// write puts the record in the order of the matrix on disk.
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

// resume takes over those cells of an earlier record that are still what they would be: of the same program, with the same
// setup. It returns the cells that are to be done.
func (m *matrix) resume(old *record.File, todo []cell) []cell {
	for _, c := range m.cells {
		if done, found := old.Find(c.name()); found && done.Binary == m.binary && reflect.DeepEqual(done.Setup, c.setup()) {
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

// possible returns the cells that can be tried here, and leaves the others out.
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
