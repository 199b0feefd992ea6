package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// The kinds of outcomes.
const (
	killed         = "killed"
	skipped        = "skipped" // a test needs a program that is not installed
	survived       = "SURVIVED"
	doesNotCompile = "DOES NOT COMPILE"
	doesNotApply   = "DOES NOT APPLY"
	fails          = "FAILS"
)

// An outcome is the result for one mutant.
type outcome struct {
	kind   string
	detail string // the test that killed it, or an explanation
	output []byte // of its tests
	took   time.Duration
}

var (
	errSurvived = errors.New("a promise is broken and no test fails")
	errUntested = errors.New("a mutant could not be tested")
)

// A report prints a line for each mutant, and a summary.
type report struct {
	out     io.Writer
	verbose bool
	now     func() time.Time

	mu      sync.Mutex
	started time.Time
	total   int
	counts  map[string]int
	bad     []string // the lines of the mutants that are not killed
}

func newReport(out io.Writer, verbose bool, now func() time.Time) *report {
	return &report{out: out, verbose: verbose, now: now, counts: make(map[string]int)}
}

func (r *report) begin(total int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.started, r.total = r.now(), total
}

// progress prints a line about the current step.
func (r *report) progress(text string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintf(r.out, "mutants: "+text+"\n", args...)
}

// add prints one mutant's outcome.
func (r *report) add(m *mutant, o outcome) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.counts[o.kind]++
	text := fmt.Sprintf("%s  %s", o.kind, m.promise)
	switch o.kind {
	case killed:
		text += fmt.Sprintf("  (%s, %.1fs)", o.detail, o.took.Seconds())
	case skipped:
		text += fmt.Sprintf("  (%s)", o.detail)
	default:
		text += fmt.Sprintf("\n    %s: %s", m.patch, strings.ReplaceAll(o.detail, "\n", "\n    "))
		r.bad = append(r.bad, text)
	}
	fmt.Fprintf(r.out, "%3d/%d %5s left  %s\n", r.done(), r.total, r.left(), text)
	if r.verbose {
		fmt.Fprintf(r.out, "%s\n", o.output)
	}
}

func (r *report) done() int {
	done := 0
	for _, n := range r.counts {
		done += n
	}
	return done
}

// left estimates the time for the rest.
func (r *report) left() time.Duration {
	each := r.now().Sub(r.started) / time.Duration(r.done())
	return (each * time.Duration(r.total-r.done())).Round(time.Second)
}

// end prints the mutants that are not killed once more, and the summary.
func (r *report) end() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, text := range r.bad {
		fmt.Fprintln(r.out, text)
	}
	fmt.Fprintf(r.out, "mutants: %d killed", r.counts[killed])
	for _, kind := range []string{skipped, survived, doesNotCompile, doesNotApply, fails} {
		if n := r.counts[kind]; n > 0 {
			fmt.Fprintf(r.out, ", %d %s", n, strings.ToLower(kind))
		}
	}
	fmt.Fprintf(r.out, " in %s\n", r.now().Sub(r.started).Round(time.Second))
	switch passed := r.counts[killed] + r.counts[skipped]; {
	case passed == r.total:
		return nil
	case passed+r.counts[survived] == r.total:
		return errSurvived
	}
	return errUntested
}
