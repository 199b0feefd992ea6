package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"lameduck/bench/internal/command"
	"lameduck/bench/internal/machine"
	"lameduck/bench/internal/program"
	"lameduck/bench/internal/table"
)

// target bounds the CPU of the process and of the kernel's threads together, in percent of a core.
const target = 1.0

func main() {
	if len(os.Args) > 1 && roles[os.Args[1]] != nil {
		if err := roles[os.Args[1]](os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, "observe:", err)
			os.Exit(1)
		}
		return
	}
	command.Main("observe", run)
}

// longest is how long a measurement may take. For its time clients keep a thousand sockets a second,
// and a process may have 20,000 files.
const longest = 15 * time.Second

// options are what the flags say.
type options struct {
	run    *regexp.Regexp
	last   time.Duration
	rounds int
	binary string
	guard  bool
}

func parse(args []string, stderr io.Writer) (o options, err error) {
	flags := flag.NewFlagSet("observe", flag.ContinueOnError)
	flags.SetOutput(stderr)
	pattern := flags.String("run", "", "run the cases that match this regular `expression`")
	flags.DurationVar(&o.last, "for", 10*time.Second, "`duration` of a measurement, 1s to 15s")
	flags.IntVar(&o.rounds, "rounds", 3, "`number` of measurements with Lameduck and without, 1 to 100")
	flags.StringVar(&o.binary, "binary", "", "`path` of lameduck (default: build ./cmd/lameduck)")
	flags.BoolVar(&o.guard, "guard", false, "fail if a target is missed")
	err = command.Parse(flags, args, func() (err error) {
		if o.last < time.Second || o.last > longest || o.rounds < 1 || o.rounds > 100 {
			return errors.New("-for or -rounds is out of range: see -h")
		}
		o.run, err = regexp.Compile(*pattern)
		return err
	})
	return o, err
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "lameduck-observe")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if o.binary == "" {
		o.binary = filepath.Join(dir, "lameduck")
		if err := program.Build(ctx, "lameduck/cmd/lameduck", o.binary); err != nil {
			return err
		}
	}
	fmt.Fprintln(stdout, machine.Describe())
	costs := table.Table{Header: []string{"case", "process", "kernel", "machine"}, Align: "lrrr"}
	var missed []error
	for _, c := range cases {
		if !o.run.MatchString(c.name) {
			continue
		}
		fmt.Fprintln(stderr, "measuring:", c.name)
		cost, err := c.measure(ctx, o)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		costs.Rows = append(costs.Rows, []string{
			c.name, percent(cost.process), percent(cost.kernel), percent(cost.machine),
		})
		if sum := cost.process + cost.kernel; sum >= target {
			missed = append(missed, fmt.Errorf("%s costs %s of a core, want less than 1 %%", c.name, percent(sum)))
		}
	}
	if len(costs.Rows) > 0 {
		fmt.Fprint(stdout, "\nCPU of one core. That of the kernel's threads and of the machine is a difference:\n\n",
			costs.Text())
	}
	for _, c := range endCases {
		if !o.run.MatchString(c.name) {
			continue
		}
		fmt.Fprintln(stderr, "measuring:", c.name)
		counted, err := measureEnds(ctx, o.binary, c.rate)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		fmt.Fprintf(stdout, "\n%s: %v\n", c.name, counted)
		missed = append(missed, counted.check())
	}
	if o.guard {
		return errors.Join(missed...)
	}
	return nil
}

func percent(share float64) string { return fmt.Sprintf("%.2f %%", share) }
