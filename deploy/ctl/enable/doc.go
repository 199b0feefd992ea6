// Package enable adds Lameduck to a namespace of a cluster, by the labels that the webhook goes by,
// and plans what that means for each workload.
//
// Whether pods may redirect their ports is not guessed from labels: the API server is asked, by the
// creation of a pod that is a dry run, so that Pod Security, quotas and policies of others decide.
// It decides for the rights of the caller.
package enable
