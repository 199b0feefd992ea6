package plan

import (
	"context"
	"time"
)

// showPeriod is short enough for a bar to move smoothly.
const showPeriod = 100 * time.Millisecond

// A Step is one part of a plan.
type Step struct {
	// Name is shown while the step runs.
	Name string
	// Takes estimates how long the step takes.
	Takes time.Duration
	// Do runs the step. It is required.
	Do func(ctx context.Context) error
}

// A Plan is a sequence of steps.
type Plan []Step

// A Display shows the progress of a plan.
type Display interface {
	// Show is called periodically, by one goroutine at a time.
	Show(name string, done, total time.Duration)
	// Print prints a line that stays visible. It may be called concurrently, also with Show.
	Print(line string)
	// Finish is called once, at the end.
	Finish()
}

// Run runs the steps one after the other, until one fails.
func (p Plan) Run(ctx context.Context, d Display) error {
	defer d.Finish()
	for i, s := range p {
		end := p.watch(i, d)
		err := s.Do(ctx)
		end()
		if err != nil {
			return err
		}
	}
	return nil
}

// watch shows the progress of the i-th step until end is called.
func (p Plan) watch(i int, d Display) (end func()) {
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		began := time.Now()
		tick := time.NewTicker(showPeriod)
		defer tick.Stop()
		for {
			done, total := p.progress(i, time.Since(began))
			d.Show(p[i].Name, done, total)
			select {
			case <-tick.C:
			case <-stop:
				return
			}
		}
	}()
	return func() {
		close(stop)
		<-stopped
	}
}

// progress returns how much of the plan's time has passed after the given time in the i-th step. A
// step that takes longer than estimated stays at its end.
func (p Plan) progress(i int, in time.Duration) (done, total time.Duration) {
	for j, s := range p {
		total += s.Takes
		if j < i {
			done += s.Takes
		}
	}
	return done + min(in, p[i].Takes), total
}
