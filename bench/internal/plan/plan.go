package plan

import (
	"context"
	"time"
)

// showPeriod is often enough for a bar to move smoothly.
const showPeriod = 100 * time.Millisecond

// Step is something that takes a while.
type Step struct {
	// Name is shown while it is done.
	Name string
	// Takes is about how long it takes.
	Takes time.Duration
	// Do does it. It must be set.
	Do func(ctx context.Context) error
}

// Plan is what is to be done, in this order.
type Plan []Step

// Display shows how far a plan has come.
type Display interface {
	// Show is called now and then, by one goroutine at a time.
	Show(name string, done, total time.Duration)
	// Say shows a line that stays. It may be called by several goroutines, also while Show is.
	Say(line string)
	// Finish is called once, at the end.
	Finish()
}

// Run does the steps one after the other, up to the first that fails.
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

// watch shows the i-th step going on until the function that it returns is called.
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

// progress returns how much of the plan's time is over when the i-th step has been going on for the given time. A
// step that takes longer than foreseen stands at its end.
func (p Plan) progress(i int, in time.Duration) (done, total time.Duration) {
	for j, s := range p {
		total += s.Takes
		if j < i {
			done += s.Takes
		}
	}
	return done + min(in, p[i].Takes), total
}
