package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"lameduck/bench/internal/command"
)

// options configure a run.
type options struct {
	// Quick selects the defaults of the short run.
	Quick bool
	// Rounds is how often each peer is measured in each case. It is at least 1.
	Rounds int
	// Duration is the time of load in the keepalive case, for each peer in each round. The other
	// load cases take a part of it. It is at least 500ms, since wrk checks for its end only every
	// 100ms.
	Duration time.Duration
	// Cases and Peers are the measured ones, in the order of the table.
	Cases []benchCase
	Peers []peer
	// Asked are the requested cases, including those that cannot be measured here.
	Asked []benchCase
	// Named means that the peers were named. Then a peer that cannot run is an error. Otherwise it
	// is left out.
	Named bool
	// Lameduck is the path of the lameduck binary. If it is empty, lameduck is built.
	Lameduck string
	// JSON is the path of the JSON file. If it is empty, none is written.
	JSON string
	// Guard makes a missed target an error.
	Guard bool
	// Table is the preset.
	Table string
	// Write is the path of a file whose generated table is replaced. If it is empty, none is.
	Write string
	// Regress compares the cost of a request with the baseline, and Update replaces the baseline.
	Regress bool
	Update  bool

	// Files is how many files a process may open here.
	Files int
	// Notes are on cases that are left out or limited.
	Notes []string
}

// parseOptions parses and validates the flags.
func parseOptions(args []string, stderr io.Writer) (options, error) {
	opts := options{}
	flags := flag.NewFlagSet("overhead", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.BoolVar(&opts.Quick, "quick", false, "the same as -table quick")
	flags.StringVar(&opts.Table, "table", "full",
		"preset of rounds, time, cases and peers: full, quick (two minutes), cost (beside nginx and HAProxy), regress")
	flags.IntVar(&opts.Rounds, "rounds", full.Rounds, "`number` of measurements of each peer")
	flags.DurationVar(&opts.Duration, "duration", full.Duration,
		"`time` of load in the keepalive case; the other load cases take a part of it")
	cases := flags.String("cases", full.Cases, "comma-separated `names` of cases, or all")
	peers := flags.String("peers", full.Peers, "comma-separated `names` of peers, or all that can run here")
	flags.StringVar(&opts.Lameduck, "lameduck", "", "`path` of lameduck (default: build ./cmd/lameduck)")
	flags.StringVar(&opts.JSON, "json", "", "`file` to write all values to")
	flags.BoolVar(&opts.Guard, "guard", false, "fail if a target is missed")
	flags.StringVar(&opts.Write, "write", "", "`file` with a generated table of costs to replace")
	flags.BoolVar(&opts.Regress, "regress", false,
		"compare the cost of requests with "+baselinePath+", and fail if it has grown; a minute with -table regress, its default")
	flags.BoolVar(&opts.Update, "update", false, "with -regress: replace the baseline instead")
	err := command.Parse(flags, args, func() error {
		given := map[string]bool{}
		flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
		if err := opts.applyPreset(given, cases, peers); err != nil {
			return err
		}
		return errors.Join(opts.chooseAll(given, *cases, *peers), opts.check(), opts.limit())
	})
	return opts, err
}

// chooseAll sets the chosen cases and peers.
func (o *options) chooseAll(given map[string]bool, cases, peers string) error {
	o.Named = given["peers"] && peers != all
	var caseErr, peerErr error
	o.Asked, caseErr = choose("case", allCases(), func(c benchCase) string { return c.Name }, cases)
	o.Peers, peerErr = choose("peer", allPeers(), func(p peer) string { return p.Name }, peers)
	o.Cases = o.Asked
	if !given["cases"] || cases == all {
		o.dropCases()
	}
	return errors.Join(caseErr, peerErr)
}

// dropCases leaves out cases if their load generator or app is not installed.
func (o *options) dropCases() {
	o.Cases = nil
	for _, c := range o.Asked {
		if err := requireTools(c.optional()); err != nil {
			o.Notes = append(o.Notes, fmt.Sprintf("%s is left out: %v", c.Name, err))
			continue
		}
		o.Cases = append(o.Cases, c)
	}
}

// limit adjusts the cases to the limits of this system.
func (o *options) limit() error {
	var err error
	if o.Files, err = openFiles(); err != nil {
		return err
	}
	for i, c := range o.Cases {
		fitted, note := c.within(o.Files)
		o.Cases[i] = fitted
		if note != "" {
			o.Notes = append(o.Notes, note)
		}
	}
	return nil
}

// check returns an error for every number that is out of range.
func (o options) check() error {
	var errs []error
	if o.Rounds < 1 {
		errs = append(errs, fmt.Errorf("-rounds %d: must be at least 1", o.Rounds))
	}
	if o.Update && !o.Regress {
		errs = append(errs, errors.New("-update: requires -regress"))
	}
	if o.Duration < 500*time.Millisecond {
		errs = append(errs, fmt.Errorf("-duration %s: must be at least 500ms", o.Duration))
	}
	return errors.Join(errs...)
}

// choose returns the items with the given comma-separated names, in the order of the items. The
// kind is used in errors.
func choose[T any](kind string, items []T, name func(T) string, names string) ([]T, error) {
	if names == all {
		return items, nil
	}
	wanted := map[string]bool{}
	for n := range strings.SplitSeq(names, ",") {
		wanted[strings.TrimSpace(n)] = true
	}
	var chosen []T
	var known []string
	for _, item := range items {
		known = append(known, name(item))
		if wanted[name(item)] {
			chosen = append(chosen, item)
			delete(wanted, name(item))
		}
	}
	for n := range wanted {
		return nil, fmt.Errorf("unknown %s %q: want %s, or some of %s", kind, n, all, strings.Join(known, ", "))
	}
	return chosen, nil
}

// tools returns the programs from Debian packages that this run requires.
func (o options) tools() []tool {
	needed := required()
	for _, c := range o.Cases {
		needed = append(needed, c.optional()...)
	}
	for _, p := range o.Peers {
		if p.Tool != (tool{}) && o.Named {
			needed = append(needed, p.Tool)
		}
	}
	return needed
}

// required returns the programs that every run requires.
func required() []tool { return []tool{nginxApp().Tool, wrkTool()} }

// optional returns the programs that the case requires. Without them it is left out.
func (c benchCase) optional() []tool {
	return slices.DeleteFunc([]tool{c.Load, c.Protocol.app().Tool}, func(t tool) bool {
		return t == tool{} || slices.Contains(required(), t)
	})
}

// programs returns the import paths of the load generators of the cases, each once.
func (o options) programs() []string {
	var all []string
	for _, c := range o.Cases {
		if c.Program != "" && !slices.Contains(all, c.Program) {
			all = append(all, c.Program)
		}
	}
	return all
}

// protocols returns the protocols of the cases, each once.
func (o options) protocols() []protocol {
	var all []protocol
	for _, c := range o.Cases {
		if !slices.Contains(all, c.Protocol) {
			all = append(all, c.Protocol)
		}
	}
	return all
}

// spokenBy returns the protocols of the cases that the peer supports.
func (o options) spokenBy(p peer) []protocol {
	return slices.DeleteFunc(o.protocols(), func(spoken protocol) bool {
		return !slices.Contains(p.Speaks, spoken)
	})
}
