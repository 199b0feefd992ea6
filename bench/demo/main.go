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
	"lameduck/bench/trial"
)

// buildTakes estimates how long the builds take without a cache. With a cache they take a second.
const buildTakes = 12 * time.Second

func main() {
	command.Main("demo", func(ctx context.Context, args []string, stdout, stderr io.Writer) error {
		o, err := parseOptions(args, stderr)
		if err != nil {
			return err
		}
		return run(ctx, o, stdout, plan.NewDisplay(stderr))
	})
}

// run runs the trials and shows the results. It returns an error if the results are not as
// expected.
func run(ctx context.Context, o options, out io.Writer, d plan.Display) error {
	dir, err := os.MkdirTemp("", "lameduck-demo-")
	if err != nil {
		return fmt.Errorf("create a working directory: %w", err)
	}
	trials, err := o.compare(ctx, dir, d)
	if err == nil {
		err = o.show(out, trials)
	}
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("%w\n(the output of the pods is in %s)", err, dir)
	}
	return errors.Join(err, os.RemoveAll(dir))
}

// compare builds the programs and tries one strategy after the other.
func (o options) compare(ctx context.Context, dir string, d plan.Display) ([]*trial.Result, error) {
	var programs trial.Programs
	var trials []*trial.Result
	p := plan.Plan{{Name: "build", Takes: buildTakes, Do: func(ctx context.Context) (err error) {
		programs, err = o.build(ctx, dir)
		return err
	}}}
	for i, s := range o.strategies() {
		logs := filepath.Join(dir, fmt.Sprint(i+1))
		if err := os.Mkdir(logs, 0o755); err != nil {
			return nil, fmt.Errorf("create a directory for the output of the pods: %w", err)
		}
		measure := func(ctx context.Context) error {
			r, err := trial.Run(ctx, o.trial(s, programs, logs))
			trials = append(trials, r)
			return err
		}
		p = append(p, plan.Step{Name: s.Name, Takes: o.trial(s, programs, logs).Expected(), Do: measure})
	}
	err := p.Run(ctx, d)
	return trials, err
}

// show writes the table and, with -json, the report. It returns the verdict.
func (o options) show(out io.Writer, trials []*trial.Result) error {
	fmt.Fprintf(out, "%d pods are replaced one after the other under %g requests/s. "+
		"The load balancer learns about each termination %v late.\n"+
		"Its retries: %d; a POST is retried only if the connection was refused.\n\n",
		o.replicas, o.rate, o.lag, o.retries)
	fmt.Fprint(out, tabulate(trials).Text())
	if o.json != "" {
		if err := writeReport(o.json, o, trials); err != nil {
			return err
		}
	}
	return verdict(trials)
}
