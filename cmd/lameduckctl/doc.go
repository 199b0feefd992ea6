// Command lameduckctl brings Lameduck into workloads, and says before a rollout what would go wrong.
//
//	lameduckctl inject     bring it into manifests, or take it out again
//
// It changes no cluster.
package main
