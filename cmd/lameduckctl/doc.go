// Command lameduckctl adds Lameduck to workloads, and checks manifests before a rollout.
//
//	lameduckctl inject     add Lameduck to manifests, or remove it
//	lameduckctl lint       report what will go wrong in a rollout, in manifests or in a cluster
//	lameduckctl explain    explain a rule of lint
//	lameduckctl webhook    serve the admission webhook that injects pods when they are created
//
// inject and lint never write to a cluster. The webhook writes the Secret with its certificate and
// the caBundle of its MutatingWebhookConfiguration, unless it gets a certificate from files.
package main
