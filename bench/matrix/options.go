package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"regexp"
	"strings"

	"lameduck/bench/internal/command"
)

// options are the flags.
type options struct {
	full     bool
	run      *regexp.Regexp
	list     bool
	out      string
	resume   bool
	guard    bool
	lameduck string
	app      string
}

func parseOptions(args []string, out io.Writer) (options, error) {
	o := options{}
	var pattern string
	f := flag.NewFlagSet("matrix", flag.ContinueOnError)
	f.SetOutput(out)
	f.BoolVar(&o.full, "full", false, "run the whole matrix, which takes more than an hour")
	f.StringVar(&pattern, "run", "", "run only cells whose names match this `regexp`")
	f.BoolVar(&o.list, "list", false, "list the cells with their requests and time, and exit")
	f.StringVar(&o.out, "out", "bin/bench", "`directory` for rollouts.json")
	f.BoolVar(&o.resume, "resume", false, "reuse the cells of the existing record with the same program and setup")
	f.BoolVar(&o.guard, "guard", false, "fail if a result is not as expected")
	f.StringVar(&o.lameduck, "lameduck", "", "`path` of lameduck (default: build ./cmd/lameduck)")
	f.StringVar(&o.app, "app", "", "`path` of the app (default: build ./bench/app)")
	err := command.Parse(f, args, func() error { return o.check(pattern) })
	return o, err
}

func (o *options) check(pattern string) (err error) {
	var errs []error
	if o.out == "" {
		errs = append(errs, errors.New("-out: must be a directory, got an empty string"))
	}
	if o.run, err = regexp.Compile(pattern); err != nil {
		errs = append(errs, fmt.Errorf("-run %s: %w", pattern, err))
	} else if len(o.chosen()) == 0 {
		errs = append(errs, fmt.Errorf("-run %s: no cell matches, see -list", pattern))
	}
	return errors.Join(errs...)
}

// all returns every cell of the matrix.
func (o options) all() []cell {
	var cells []cell
	for _, g := range o.groups() {
		cells = append(cells, g.cells...)
	}
	return cells
}

func (o options) groups() []group {
	if o.full {
		return fullMatrix()
	}
	return smallMatrix()
}

// chosen returns the cells that match -run.
func (o options) chosen() []cell {
	var cells []cell
	for _, c := range o.all() {
		if o.run.MatchString(c.name()) {
			cells = append(cells, c)
		}
	}
	return cells
}

// commandLine returns the command line of the run.
func commandLine(args []string) string {
	return strings.TrimSpace("go run ./bench/matrix " + strings.Join(args, " "))
}
