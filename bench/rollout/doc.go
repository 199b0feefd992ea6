// Package rollout replaces pods made of local processes one after the other, as Kubernetes does: a small kubelet
// starts and ends the processes of a pod, and a deployment replaces pods and tells a load balancer.
//
// # A pod's end
//
// The kubelet follows pkg/kubelet of Kubernetes 1.36. All containers of the pod are stopped at once, each like this:
//
//	t0 ── preStop hook ── wait for its turn ── SIGTERM ── what is left of the grace ── SIGKILL
//
// In detail:
//
//   - The hooks of all containers start at t0 together. A hook that outlasts the grace period is not ended, but no
//     longer waited for. A failed hook changes nothing but the record.
//   - Only a sidecar has a turn to wait for: until all containers, and the sidecars started after it, have ended,
//     and never longer than the grace that is left.
//   - The time of the hook and of the wait, in whole seconds and rounded down, is taken off the grace period. At
//     least 2 s are left for the process after SIGTERM, even past the grace period.
//
// # A rolling update
//
// The deployment has maxSurge 1 and maxUnavailable 0. For each pod a new one is started; when it is ready, the load
// balancer is given its address; when it has been ready for MinReady, the load balancer is told of the old one's
// end at the same moment as the kubelet. As in Kubernetes, the next pod's turn does not wait for the old one to be
// gone.
//
// # Limits
//
// Linux only. A container is one process, without namespaces: processes that it starts in turn are not ended with it.
// Containers are never restarted. Liveness probes are not made, and readiness probes only until the pod is ready.
package rollout
