// Package kube reads from a cluster what surrounds the pods of a namespace, once. The package
// mirror of the webhook follows the same objects.
package kube
