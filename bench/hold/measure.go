package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"lameduck/bench/hold/real"
	"lameduck/bench/hold/record"
	"lameduck/bench/hold/sim"
	"lameduck/bench/internal/machine"
	"lameduck/bench/internal/program"
)

// measure plays rollouts with the real program, all at the same time.
func measure(ctx context.Context, o options, stderr io.Writer) (_ *record.Measured, err error) {
	dir, err := os.MkdirTemp("", "lameduck-hold")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if o.Lameduck == "" {
		o.Lameduck = filepath.Join(dir, "lameduck")
		if err := program.Build(ctx, "lameduck/cmd/lameduck", o.Lameduck); err != nil {
			return nil, fmt.Errorf("%w (or set -lameduck)", err)
		}
	}
	m := &record.Measured{Machine: machine.Describe(), Time: time.Now().UTC().Truncate(time.Second),
		History: o.History.Seconds()}
	fmt.Fprintf(stderr, "%d drains at the same time, %v before each and at most 2m0s after its start\n",
		o.Pods*len(o.Shapes), o.History)
	setup := real.Setup{Lameduck: o.Lameduck, History: o.History, Dir: dir}
	m.Shapes, err = o.playAll(ctx, setup, stderr)
	return m, err
}

// playAll plays every shape as often as the options say.
func (o options) playAll(ctx context.Context, s real.Setup, stderr io.Writer) ([]record.MeasuredShape, error) {
	var mu sync.Mutex
	var errs []error
	shapes := make([]record.MeasuredShape, len(o.Shapes))
	var drains sync.WaitGroup
	for i, shape := range o.Shapes {
		shapes[i] = record.MeasuredShape{Name: shape.Name, Title: shape.Title, Limits: limits(shape.Limits)}
		for n := range o.Pods {
			drains.Go(func() {
				r, err := s.Play(ctx, &shape, o.Seed+uint64(n))
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					errs = append(errs, fmt.Errorf("%s: %w", shape.Name, err))
					return
				}
				shapes[i].Drains = append(shapes[i].Drains, drain(r))
				describe(stderr, shape, r)
			})
		}
	}
	drains.Wait()
	return shapes, errors.Join(errs...)
}

func drain(r real.Result) record.Drain {
	return record.Drain{Requests: r.Requests, Lost: len(r.Lost), Last: seconds(r.Last),
		Hold: seconds(r.Hold), Summary: r.Summary}
}

// describe shows a drain that has ended.
func describe(out io.Writer, shape sim.Shape, r real.Result) {
	fmt.Fprintf(out, "%s: %d requests, %d lost; %.1f s after the last request: %s\n", shape.Name,
		r.Requests, len(r.Lost), r.After().Seconds(), r.Summary)
	const most = 3
	for _, err := range r.Lost[:min(len(r.Lost), most)] {
		fmt.Fprintf(out, "  lost: %v\n", err)
	}
}
