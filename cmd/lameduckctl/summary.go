package main

import (
	"fmt"
	"io"
)

// printSummary prints how each workload was injected, or why it was skipped. Refused ones have
// lines of their own.
func printSummary(w io.Writer, changes []change) {
	for _, c := range changes {
		text := "injected, mode " + c.plan.Choice.String()
		if c.plan.Skipped != "" {
			text = "not injected: " + c.plan.Skipped
		}
		fmt.Fprintf(w, "%s: %s: %s\n", c.workload.Position(""), c.workload, text)
	}
}
