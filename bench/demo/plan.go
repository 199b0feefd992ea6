package main

import (
	"context"
	"time"
)

// showPeriod is often enough for a bar to move smoothly.
const showPeriod = 100 * time.Millisecond

// step is something that takes a while.
type step struct {
	name  string
	takes time.Duration // about
	do    func(ctx context.Context) error
}

// plan is what is to be done, in this order.
type plan []step

// display shows how far a plan has come.
type display interface {
	// show is called now and then, by one goroutine at a time.
	show(name string, done, total time.Duration)
	// finish is called once, at the end.
	finish()
}

// run does the steps one after the other, up to the first that fails.
func (p plan) run(ctx context.Context, d display) error {
	defer d.finish()
	for i, s := range p {
		end := p.watch(i, d)
		err := s.do(ctx)
		end()
		if err != nil {
			return err
		}
	}
	return nil
}

// watch shows the i-th step going on until the function that it returns is called.
func (p plan) watch(i int, d display) (end func()) {
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		began := time.Now()
		tick := time.NewTicker(showPeriod)
		defer tick.Stop()
		for {
			done, total := p.progress(i, time.Since(began))
			d.show(p[i].name, done, total)
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
func (p plan) progress(i int, in time.Duration) (done, total time.Duration) {
	for j, s := range p {
		total += s.takes
		if j < i {
			done += s.takes
		}
	}
	return done + min(in, p[i].takes), total
}
