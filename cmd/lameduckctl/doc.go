// Command lameduckctl adds Lameduck to workloads, and finds before a rollout what would go wrong in it.
//
//	lameduckctl inject     add Lameduck to manifests, or remove it
//	lameduckctl lint       report what would go wrong in a rollout, of manifests or of a cluster
//	lameduckctl explain    print what a rule of lint looks for, and why
//	lameduckctl webhook    serve the admission webhook that adds Lameduck to pods
//
// Inject, lint and explain change nothing in a cluster. The webhook keeps its certificate in a Secret and
// in its MutatingWebhookConfiguration, unless it is given one.
package main
