// Package drain reads the summaries of drains that Lameduck writes, in its two forms: the line in the
// termination message of a container, and the last line of the log. It sums them up by workload.
//
//	termination messages of pods ─┐
//	lines of logs ────────────────┴─> Summary ──> Table: a row for each workload
package drain
