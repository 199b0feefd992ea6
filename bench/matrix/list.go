package main

import (
	"fmt"
	"io"
	"time"

	"lameduck/bench/internal/table"
	"lameduck/bench/matrix/record"
)

// list lists the cells with their time and requests, and the totals.
func list(w io.Writer, cells []cell) {
	requests, behindLameduck := 0, 0
	for _, c := range cells {
		how := "alone"
		if !c.alone() {
			how = "in lanes"
		}
		fmt.Fprintf(w, "%-60s %-8s %8v %10s requests  %s\n",
			c.name(), how, c.takes().Round(100*time.Millisecond), table.Count(c.requests()), c.expect())
		requests += c.requests()
		if c.strategy.family == record.Lameduck {
			behindLameduck += c.requests()
		}
	}
	var m matrix
	var total time.Duration
	for _, s := range m.plan(cells) {
		total += s.Takes
	}
	fmt.Fprintf(w, "\n%d cells, about %v, about %s requests, %s of them behind Lameduck\n",
		len(cells), total.Round(time.Second), table.Count(requests), table.Count(behindLameduck))
}
