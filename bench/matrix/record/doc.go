// Package record has the results of a run of the rollout matrix: every cell with its measurements,
// as JSON, with the verdicts and tables derived from them.
//
//	bench/matrix ──> rollouts.json ──> bench/page
//
// It does not depend on how cells are run. Times are [Seconds]: in JSON they are numbers of
// seconds, and their names end in _s.
package record
