// Command lameduckctl brings Lameduck into workloads, and says before a rollout what would go wrong.
//
//	lameduckctl inject     bring it into manifests, or take it out again
//	lameduckctl lint       tell what will go wrong in a rollout, of manifests or of a cluster
//	lameduckctl explain    say what a rule of lint looks for, and why
//
// It changes no cluster.
package main
