package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"lameduck/bench/internal/command"
	progress "lameduck/bench/internal/plan"
	"lameduck/bench/internal/table"
	"lameduck/bench/overhead/record"
)

func main() { command.Main("overhead", run) }

// run measures the chosen cases and prints the table to stdout. Progress and errors in flags go to
// stderr.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	opts, err := parseOptions(args, stderr)
	if err != nil {
		return err
	}
	if err := requireTools(opts.tools()); err != nil {
		return err
	}
	b, err := newBench(opts)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close()) }()

	if err := b.prepare(ctx, stderr); err != nil {
		return err
	}
	if err := b.measure(ctx, progress.NewPeriodicDisplay(stderr)); err != nil {
		return err
	}
	return publish(newReport(b), tabulate(&b.results, b.opts.Cases, b.opts.Peers), opts, stdout)
}

// publish prints the report with its table. With -json and -write it also writes those files. With
// -regress and -guard it prints and returns the verdicts on the costs and on the targets.
func publish(r report, t table.Table, opts options, stdout io.Writer) error {
	if _, err := io.WriteString(stdout, r.markdown(t)); err != nil {
		return fmt.Errorf("print the table: %w", err)
	}
	if opts.JSON != "" {
		if err := r.writeJSON(opts.JSON); err != nil {
			return err
		}
	}
	if opts.Write != "" {
		if err := table.ReplaceIn(opts.Write, costsBegin, costsEnd, r.costs()); err != nil {
			return err
		}
	}
	var regressed, missing error
	if opts.Regress {
		var verdicts []record.Verdict
		verdicts, regressed = checkBaseline(r, baselinePath, opts.Update)
		fmt.Fprint(stdout, "\n", verdictList(verdicts))
	}
	if opts.Guard {
		fmt.Fprint(stdout, "\n", verdictList(r.Targets))
		missing = missed(r.Targets)
	}
	return errors.Join(regressed, missing)
}
