package main

import (
	"fmt"
	"io"
	"sync"
	"time"

	"lameduck/bench/internal/plan"
	"lameduck/bench/internal/table"
)

// A progress shows the progress of the simulation.
type progress struct {
	display plan.Display
	total   int
	began   time.Time

	mu   sync.Mutex
	done int
}

func newProgress(out io.Writer, total int) *progress {
	return &progress{display: plan.NewPeriodicDisplay(out), total: total, began: time.Now()}
}

// add adds rollouts that are done.
func (p *progress) add(rollouts int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done += rollouts
	// The shapes take turns, so the past is a fair estimate.
	elapsed := time.Since(p.began)
	total := time.Duration(float64(elapsed) * float64(p.total) / float64(p.done))
	name := fmt.Sprintf("%s of %s rollouts", table.Count(p.done), table.Count(p.total))
	p.display.Show(name, elapsed, total)
}

func (p *progress) finish() { p.display.Finish() }
