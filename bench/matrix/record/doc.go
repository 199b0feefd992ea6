// Package record is what a run of the rollout matrix leaves behind: every cell with what it measured, as JSON, and
// what follows from it, as sentences and as rows of tables.
//
//	bench/matrix ──> rollouts.json ──> bench/page
//
// It knows nothing of how cells are run. Times are [Seconds]: numbers of seconds in JSON, whose names end in _s.
package record
