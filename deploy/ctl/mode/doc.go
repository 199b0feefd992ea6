// Package mode chooses how the traffic of a pod's ports reaches Lameduck, or how it is observed.
//
//	pod, ports, Services, policies, namespace ──> Choose ──> mode, reason, what would give more
//
// The choice breaks no reference. The port of a pod is moved only if every known reference is by
// name, and anything unknown counts as a reference by number. If nothing is known, the pod is
// observed, which changes nothing for its clients.
//
// The package is pure: it asks no cluster and does not change its arguments.
//
// Limits: it cannot know clients that use a pod's address with a port number of their own, such as
// members of a cluster. They can still connect to a port that moves, but they bypass Lameduck.
package mode
