package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"
)

// options say what is measured and for how long.
type options struct {
	// Rounds is how often each peer is measured in each case. At least 1.
	Rounds int
	// Duration is how long the load of the keepalive case lasts, for each
	// peer in each round. The other load cases take a third of it. At least
	// 500ms: wrk looks for the end every 100ms only.
	Duration time.Duration
	// Connections is how many keep-alive connections the idle case opens. At
	// least 1.
	Connections int
	// Cases and Peers are what is measured, in the order of the tables.
	Cases []benchCase
	Peers []peer
	// Lameduck is the path of a binary to measure; empty: build it.
	Lameduck string
	// JSON is the path of a file for all values; empty: none.
	JSON string
	// Guard makes a missed target an error.
	Guard bool
}

// parseOptions reads the flags and refuses values that make no sense.
func parseOptions(args []string, stderr io.Writer) (options, error) {
	opts := options{}
	flags := flag.NewFlagSet("overhead", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&opts.Rounds, "rounds", 5, "`times` that each peer is measured")
	flags.DurationVar(&opts.Duration, "duration", 3*time.Second, "`time` of load in the keepalive case; the other load cases take a third of it")
	flags.IntVar(&opts.Connections, "connections", 3000, "`number` of idle connections")
	cases := flags.String("cases", strings.Join(caseNames(allCases()), ","), "comma-separated `names` of what is measured")
	peers := flags.String("peers", strings.Join(peerNames(allPeers()), ","), "comma-separated `names` of those that are measured")
	flags.StringVar(&opts.Lameduck, "lameduck", "", "`file` of a lameduck binary; empty: build it")
	flags.StringVar(&opts.JSON, "json", "", "`file` to write all values to; empty: none")
	flags.BoolVar(&opts.Guard, "guard", false, "end with an error if a target does not hold")
	if err := flags.Parse(args); err != nil {
		return options{}, err
	}
	var caseErr, peerErr error
	opts.Cases, caseErr = choose("case", allCases(), func(c benchCase) string { return c.Name }, *cases)
	opts.Peers, peerErr = choose("peer", allPeers(), func(p peer) string { return p.Name }, *peers)
	return opts, errors.Join(caseErr, peerErr, opts.check(flags.Args()))
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
	if o.Connections < 1 {
		errs = append(errs, fmt.Errorf("-connections %d: at least 1 is needed", o.Connections))
	}
	if len(rest) > 0 {
		errs = append(errs, fmt.Errorf("arguments %q: only flags are understood", rest))
	}
	return errors.Join(errs...)
}

// choose returns those of all that the comma-separated names mention, in the
// order of all. The kind is for the error about a name that is not there.
func choose[T any](kind string, all []T, name func(T) string, names string) ([]T, error) {
	wanted := map[string]bool{}
	for n := range strings.SplitSeq(names, ",") {
		wanted[strings.TrimSpace(n)] = true
	}
	var chosen []T
	var known []string
	for _, item := range all {
		known = append(known, name(item))
		if wanted[name(item)] {
			chosen = append(chosen, item)
			delete(wanted, name(item))
		}
	}
	for n := range wanted {
		return nil, fmt.Errorf("%s %q: unknown, one of %s is needed", kind, n, strings.Join(known, ", "))
	}
	return chosen, nil
}

// tools returns the programs from Debian packages that this run calls.
func (o options) tools() []tool {
	needed := []tool{appTool(), wrkTool()}
	for _, p := range o.Peers {
		if p.Tool != (tool{}) {
			needed = append(needed, p.Tool)
		}
	}
	return needed
}
