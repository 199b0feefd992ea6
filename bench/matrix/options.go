package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"regexp"
	"strings"
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
	f.BoolVar(&o.full, "full", false, "try the whole matrix, which takes most of an hour")
	f.StringVar(&pattern, "run", "", "`pattern`: only cells whose names match this regular expression")
	f.BoolVar(&o.list, "list", false, "name the cells, with their requests and the time that they take, and end")
	f.StringVar(&o.out, "out", "bin/bench", "`directory` for rollouts.json")
	f.BoolVar(&o.resume, "resume", false, "keep the cells of the record that are there, measured with the same program and setup")
	f.BoolVar(&o.guard, "guard", false, "end with an error if something is not as it must be")
	f.StringVar(&o.lameduck, "lameduck", "", "`path` of lameduck (default: built from ./cmd/lameduck)")
	f.StringVar(&o.app, "app", "", "`path` of the app (default: built from ./bench/app)")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	err := o.check(pattern, f.Args())
	if err != nil {
		fmt.Fprintln(out, err)
	}
	return o, err
}

func (o *options) check(pattern string, rest []string) (err error) {
	var errs []error
	if len(rest) > 0 {
		errs = append(errs, fmt.Errorf("%q is no flag: there is nothing but flags", rest[0]))
	}
	if o.out == "" {
		errs = append(errs, errors.New("-out is empty: name a directory"))
	}
	if o.run, err = regexp.Compile(pattern); err != nil {
		errs = append(errs, fmt.Errorf("-run %s: %w", pattern, err))
	} else if len(o.chosen()) == 0 {
		errs = append(errs, fmt.Errorf("-run %s: no cell has such a name, -list shows all", pattern))
	}
	return errors.Join(errs...)
}

// all returns every cell of the matrix that is asked for.
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

// chosen returns the cells that are to be measured.
func (o options) chosen() []cell {
	var cells []cell
	for _, c := range o.all() {
		if o.run.MatchString(c.name()) {
			cells = append(cells, c)
		}
	}
	return cells
}

// command is what the run was asked for, as a user would type it.
func command(args []string) string {
	return strings.TrimSpace("go run ./bench/matrix " + strings.Join(args, " "))
}
