// Package mode chooses how the traffic of a pod's ports reaches Lameduck, or how it is observed.
//
//	pod, ports, Services, policies, namespace ──> Choose ──> mode, reason, what would give more
//
// The choice takes nothing away. The port of a pod is moved only if every reference that is known
// is by name, and what is not known counts as a reference by number. A pod of which nothing is
// known is observed, which changes nothing for its clients.
//
// The package is pure: it asks no cluster and does not change its arguments.
//
// Limits: it sees no client that has an address of a pod and a port number of its own, such as a
// member of a cluster. A port that moves does not shut it out, but it bypasses Lameduck.
package mode
