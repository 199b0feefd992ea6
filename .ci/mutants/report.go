package main

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// A report tells how the hunt goes: a line per mutant, each with the time that is left.
type report struct {
	out     io.Writer
	verbose bool

	mu                  sync.Mutex
	started             time.Time
	total               int
	killed, alive, lame int // lame: at fault themselves
}

func newReport(out io.Writer, verbose bool) *report { return &report{out: out, verbose: verbose} }

func (r *report) begin(total int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.started, r.total = time.Now(), total
}

// add tells of one mutant.
func (r *report) add(m mutant, v verdict, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	what := "killed"
	switch {
	case err != nil:
		what = "FAULT"
		r.lame++
	case v.failed:
		r.killed++
	default:
		what = "ALIVE"
		r.alive++
	}
	fmt.Fprintf(r.out, "%3d/%d %5s left  %-6s  %s", r.done(), r.total, r.left(), what, m.promise)
	if v.failed {
		fmt.Fprintf(r.out, "  (%s)", v.first)
	}
	fmt.Fprintln(r.out)
	if err == nil && !v.failed {
		fmt.Fprintf(r.out, "%24s%s: %s passes in %s\n", "", m.file, m.tests, m.dir())
	}
	if r.verbose {
		fmt.Fprintf(r.out, "%s\n", v.output)
	}
}

func (r *report) done() int { return r.killed + r.alive + r.lame }

// left is about how long the rest takes.
func (r *report) left() time.Duration {
	each := time.Since(r.started) / time.Duration(r.done())
	return (each * time.Duration(r.total-r.done())).Round(time.Second)
}

// end tells the result.
func (r *report) end() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintf(r.out, "mutants: %d killed, %d alive\n", r.killed, r.alive)
	if r.alive > 0 {
		return errAlive
	}
	return nil
}
