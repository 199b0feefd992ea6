// Package enable adds Lameduck to a namespace of a cluster by setting the webhook's labels, and
// plans what that means for each workload.
//
// Whether pods may redirect their ports is not guessed from labels. A dry run of creating such a
// pod asks the API server, so that Pod Security, quotas and other admission policies decide. They
// decide for the rights of the caller.
package enable
