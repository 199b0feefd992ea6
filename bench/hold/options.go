package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"

	"lameduck/bench/hold/sim"
	"lameduck/bench/internal/command"
)

// options are the flags.
type options struct {
	Rollouts int // of all shapes together, at least
	Seed     uint64
	Shapes   []sim.Shape
	JSON     string // file for the results; empty means none
	Guard    bool   // fail if a figure misses its limit
	List     bool

	Real     bool
	Pods     int           // of each shape, with Real
	History  time.Duration // that the real program serves before the drain
	Lameduck string        // the program; empty means to build it
}

func parseOptions(args []string, stderr io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("hold", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&o.Rollouts, "n", 1_000_000, "`rollouts` to simulate, of all shapes together")
	flags.Uint64Var(&o.Seed, "seed", 1, "`number` of the first rollout of each shape")
	names := flags.String("shapes", all, "comma-separated `names` of shapes, or all")
	flags.StringVar(&o.JSON, "json", "", "`file` to write the results to")
	flags.BoolVar(&o.Guard, "guard", false, "fail if a figure misses its limit")
	flags.BoolVar(&o.List, "list", false, "list the shapes")
	flags.BoolVar(&o.Real, "real", false, "measure the real program, with some of the shapes")
	flags.IntVar(&o.Pods, "pods", 5, "`number` of drains of each shape, with -real")
	flags.DurationVar(&o.History, "history", 150*time.Second,
		"`time` that the program serves before the drain, with -real")
	flags.StringVar(&o.Lameduck, "lameduck", "", "`path` of lameduck, with -real (default: build ./cmd/lameduck)")
	err := command.Parse(flags, args, func() error {
		if o.Real && *names == all {
			*names = strings.Join(sim.Measured(), ",")
		}
		var err error
		o.Shapes, err = choose(*names)
		return errors.Join(err, o.check())
	})
	return o, err
}

// all stands for all shapes.
const all = "all"

// check returns an error for every number that is out of range.
func (o options) check() (err error) {
	if o.Rollouts < 1 {
		err = errors.Join(err, fmt.Errorf("-n %d: must be at least 1", o.Rollouts))
	}
	if o.Pods < 1 {
		err = errors.Join(err, fmt.Errorf("-pods %d: must be at least 1", o.Pods))
	}
	if o.History < time.Second {
		err = errors.Join(err, fmt.Errorf("-history %v: must be at least 1s", o.History))
	}
	return err
}

// choose returns the shapes with these names.
func choose(names string) ([]sim.Shape, error) {
	if names == all {
		return sim.Shapes(), nil
	}
	var chosen []sim.Shape
	for name := range strings.SplitSeq(names, ",") {
		s, err := sim.Find(strings.TrimSpace(name))
		if err != nil {
			return nil, fmt.Errorf("-shapes: %w", err)
		}
		chosen = append(chosen, s)
	}
	return chosen, nil
}

// perShape is the number of rollouts of each shape.
func (o options) perShape() int {
	n := len(o.Shapes)
	return (o.Rollouts + n - 1) / n
}
