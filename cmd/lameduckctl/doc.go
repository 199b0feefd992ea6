// Command lameduckctl adds Lameduck to workloads, checks manifests before a rollout and measures
// rollouts. Named kubectl-lameduck, it is a plugin: kubectl lameduck lint.
//
//	lameduckctl enable     add Lameduck to every pod of a namespace, by labels for the webhook
//	lameduckctl disable    remove it from them
//	lameduckctl status     show which pods of a namespace have Lameduck, in which mode
//	lameduckctl inject     add Lameduck to manifests, or remove it
//	lameduckctl lint       report what will go wrong in a rollout, in manifests or in a cluster
//	lameduckctl explain    explain a rule of lint
//	lameduckctl measure    count the requests that a service loses while pods are replaced
//	lameduckctl drains     aggregate the drain summaries of workloads, from logs or a cluster
//	lameduckctl webhook    serve the admission webhook that injects pods when they are created
//
// inject and lint never write to a cluster. enable and disable change labels of a namespace.
// measure restarts, deletes or scales the pods of the workload that its flags name, after asking
// for confirmation. The webhook writes the Secret with its certificate and the caBundle of its
// MutatingWebhookConfiguration, unless it gets a certificate from files.
package main
