// Package rollout replaces pods one after the other, as Kubernetes does. The pods are local
// processes. A small kubelet starts and stops the processes of a pod. A deployment replaces pods
// and updates a load balancer.
//
// # Termination of a pod
//
// The kubelet follows pkg/kubelet of Kubernetes 1.36. It stops all containers of a pod at the same
// time, each in these steps:
//
//	t0 ── preStop hook ── wait for its turn ── SIGTERM ── the rest of the grace period ── SIGKILL
//
// In detail:
//
//   - The hooks of all containers start at t0. A hook that outlasts the grace period is not
//     interrupted, but no longer waited for. A failed hook is recorded and has no other effect.
//   - Only a sidecar waits for its turn: until all containers, and the sidecars started after it,
//     have ended, but never longer than the rest of the grace period.
//   - The time of the hook and of the wait, in whole seconds and rounded down, is subtracted from the
//     grace period. The process has at least 2 s after SIGTERM, even past the grace period.
//
// # A rolling update
//
// The deployment has maxSurge 1 and maxUnavailable 0. For each pod it starts a new one. When that
// is ready, its address is added to the load balancer. When it has been ready for MinReady, the old
// pod is removed from the load balancer and, at the same moment, terminated by the kubelet. As in
// Kubernetes, the next pod is replaced without waiting for the end of the old one.
//
// # Limits
//
// Linux only. A container is one process without namespaces; processes that it starts are not
// stopped with it. Containers are never restarted. There are no liveness probes, and readiness
// probes end when the pod is ready.
package rollout
