// Package rollout replaces the pods of a workload, or watches somebody else do it, and records what
// happens to each pod.
//
//	Rights ──> are all there?         one access review for each right
//	Watcher ── pods, EndpointSlices   ──> measure.Rollout
//	Action  ── restart, delete pods, scale and back, or nothing
//
// An action does only what its name says. After an interruption, Undo restores the number of
// replicas, and returns what was done and how to undo the rest.
//
// Limits: times come from watch events, which arrive within milliseconds, on the clock of this
// machine. The API server's times have a resolution of a second.
package rollout
