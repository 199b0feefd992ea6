// Package drain reads the drain summaries that Lameduck writes, in both forms: the termination
// message of a container, and the last line of the log. It aggregates them by workload.
//
//	termination messages of pods ─┐
//	lines of logs ────────────────┴─> Summary ──> Table: a row for each workload
package drain
