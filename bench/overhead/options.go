package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// options say what is measured and for how long.
type options struct {
	// Quick says that what no flag says is that of the short run.
	Quick bool
	// Rounds is how often each peer is measured in each case. At least 1.
	Rounds int
	// Duration is how long the load of the keepalive case lasts, for each
	// peer in each round. The other load cases take a part of it. At least
	// 500ms: wrk looks for the end every 100ms only.
	Duration time.Duration
	// Cases and Peers are what is measured, in the order of the tables.
	Cases []benchCase
	Peers []peer
	// Asked are the cases that were asked for, whether or not they can be
	// measured here.
	Asked []benchCase
	// Named says that somebody has named the peers: one that cannot run is
	// an error then, and left out otherwise.
	Named bool
	// Lameduck is the path of a binary to measure; empty: build it.
	Lameduck string
	// JSON is the path of a file for all values; empty: none.
	JSON string
	// Guard makes a missed target an error.
	Guard bool

	// Files is how many files a process may open here.
	Files int
	// Notes tell what is not measured as its name says.
	Notes []string
}

// A preset is what is measured where no flag says otherwise.
type preset struct {
	Rounds   int
	Duration time.Duration
	Cases    string // comma-separated; all: every one
	Peers    string
}

// all stands for every case or peer.
const all = "all"

// full is the run for numbers that are shown to others, quick the one that
// tells in two minutes whether anything has changed.
var (
	full  = preset{Rounds: 5, Duration: 3 * time.Second, Cases: all, Peers: all}
	quick = preset{
		Rounds:   3,
		Duration: 600 * time.Millisecond,
		Cases:    "keepalive,large,newconn,heads,h2c,grpc,tcp-down,ws-up,latency,idle,binary",
		Peers:    "direct,nginx,haproxy-http,haproxy-tcp,reverseproxy,lameduck",
	}
)

// parseOptions reads the flags and refuses values that make no sense.
func parseOptions(args []string, stderr io.Writer) (options, error) {
	opts := options{}
	flags := flag.NewFlagSet("overhead", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.BoolVar(&opts.Quick, "quick", false, "a run of two minutes: fewer rounds, shorter loads, fewer cases and peers where no flag says more")
	flags.IntVar(&opts.Rounds, "rounds", full.Rounds, "`times` that each peer is measured")
	flags.DurationVar(&opts.Duration, "duration", full.Duration, "`time` of load in the keepalive case; the other load cases take a part of it")
	cases := flags.String("cases", full.Cases, "comma-separated `names` of what is measured, or all")
	peers := flags.String("peers", full.Peers, "comma-separated `names` of those that are measured, or all that can run here")
	flags.StringVar(&opts.Lameduck, "lameduck", "", "`file` of a lameduck binary; empty: build it")
	flags.StringVar(&opts.JSON, "json", "", "`file` to write all values to; empty: none")
	flags.BoolVar(&opts.Guard, "guard", false, "end with an error if a target does not hold")
	if err := flags.Parse(args); err != nil {
		return options{}, err
	}
	given := map[string]bool{}
	flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
	if opts.Quick {
		opts.hurry(given, cases, peers)
	}
	opts.Named = given["peers"] && *peers != all
	var caseErr, peerErr error
	opts.Asked, caseErr = choose("case", allCases(), func(c benchCase) string { return c.Name }, *cases)
	opts.Peers, peerErr = choose("peer", allPeers(), func(p peer) string { return p.Name }, *peers)
	opts.Cases = opts.Asked
	if !given["cases"] || *cases == all {
		opts.dropCases()
	}
	return opts, errors.Join(caseErr, peerErr, opts.check(flags.Args()), opts.limit())
}

// hurry takes from the quick preset what no flag has given.
func (o *options) hurry(given map[string]bool, cases, peers *string) {
	if !given["rounds"] {
		o.Rounds = quick.Rounds
	}
	if !given["duration"] {
		o.Duration = quick.Duration
	}
	if !given["cases"] {
		*cases = quick.Cases
	}
	if !given["peers"] {
		*peers = quick.Peers
	}
}

// dropCases leaves out the cases whose load or app is not installed.
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

// limit fits the cases to what this system lets a process do.
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

// check reports every number that is out of range, and arguments left over.
func (o options) check(rest []string) error {
	var errs []error
	if o.Rounds < 1 {
		errs = append(errs, fmt.Errorf("-rounds %d: at least 1 is needed", o.Rounds))
	}
	if o.Duration < 500*time.Millisecond {
		errs = append(errs, fmt.Errorf("-duration %s: at least 500ms is needed", o.Duration))
	}
	if len(rest) > 0 {
		errs = append(errs, fmt.Errorf("arguments %q: only flags are understood", rest))
	}
	return errors.Join(errs...)
}

// choose returns those of the items that the comma-separated names mention, in
// the order of the items. The kind is for the error about a name that is not
// there.
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
		return nil, fmt.Errorf("%s %q: unknown, %s or some of %s is needed", kind, n, all, strings.Join(known, ", "))
	}
	return chosen, nil
}

// tools returns the programs from Debian packages that this run cannot do
// without.
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

// required are the programs without which there is no run.
func required() []tool { return []tool{nginxApp().Tool, wrkTool()} }

// optional are those of a case that is left out for want of them.
func (c benchCase) optional() []tool {
	return slices.DeleteFunc([]tool{c.Load, c.Protocol.app().Tool}, func(t tool) bool {
		return t == tool{} || slices.Contains(required(), t)
	})
}

// programs are the import paths of those that make the load of the cases, each
// once.
func (o options) programs() []string {
	var all []string
	for _, c := range o.Cases {
		if c.Program != "" && !slices.Contains(all, c.Program) {
			all = append(all, c.Program)
		}
	}
	return all
}

// protocols are those of the cases, each once.
func (o options) protocols() []protocol {
	var all []protocol
	for _, c := range o.Cases {
		if !slices.Contains(all, c.Protocol) {
			all = append(all, c.Protocol)
		}
	}
	return all
}

// spokenBy are those of the cases that the peer passes on.
func (o options) spokenBy(p peer) []protocol {
	return slices.DeleteFunc(o.protocols(), func(spoken protocol) bool { return !slices.Contains(p.Speaks, spoken) })
}
