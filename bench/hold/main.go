package main

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"strings"
	"time"

	"lameduck/bench/hold/record"
	"lameduck/bench/hold/sim"
	"lameduck/bench/internal/command"
	"lameduck/bench/internal/machine"
	"lameduck/bench/internal/table"
)

func main() { command.Main("hold", run) }

// run simulates what args ask for and prints the tables to stdout. Progress goes to stderr.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parseOptions(args, stderr)
	if err != nil {
		return err
	}
	if o.List {
		list(stdout, o.Shapes)
		return nil
	}
	line := strings.Join(append([]string{"go run ./bench/hold"}, args...), " ")
	if o.Real {
		m, err := measure(ctx, o, stderr)
		if err != nil {
			return err
		}
		m.Command = line
		return publish(m, o, stdout, m.Table())
	}
	f, err := simulate(ctx, o, stderr)
	if err != nil {
		return err
	}
	f.Command = line
	return publish(f, o, stdout, f.Promises(), f.Overview())
}

func list(out io.Writer, shapes []sim.Shape) {
	for _, s := range shapes {
		fmt.Fprintf(out, "%-14s %s\n", s.Name, s.Title)
		if s.About != "" {
			fmt.Fprintf(out, "%-14s %s\n", "", s.About)
		}
	}
}

func simulate(ctx context.Context, o options, stderr io.Writer) (*record.File, error) {
	began := time.Now()
	progress := newProgress(stderr, o.perShape()*len(o.Shapes))
	plan := sim.Plan{
		Shapes: o.Shapes, Rollouts: o.perShape(), Seed: o.Seed, Workers: runtime.GOMAXPROCS(0),
		Progress: progress.add,
	}
	results, err := plan.Run(ctx)
	progress.finish()
	if err != nil {
		return nil, err
	}
	f := &record.File{
		Machine: machine.Describe(), Time: began.UTC().Truncate(time.Second),
		Seconds: time.Since(began).Round(time.Second).Seconds(),
		Seed:    o.Seed, Rollouts: o.perShape(),
	}
	fill(f, results)
	return f, nil
}

// results are those of the simulation or of the real program.
type results interface {
	Write(path string) error
	Missed() []string
}

// publish prints the tables, writes the file, and compares the figures with their limits.
func publish(r results, o options, stdout io.Writer, tables ...table.Table) error {
	for _, t := range tables {
		if len(t.Rows) > 0 {
			fmt.Fprintln(stdout, t.Markdown())
		}
	}
	if o.JSON != "" {
		if err := r.Write(o.JSON); err != nil {
			return err
		}
	}
	if missed := r.Missed(); o.Guard && len(missed) > 0 {
		return fmt.Errorf("limits are missed: %s", strings.Join(missed, ", "))
	}
	return nil
}
