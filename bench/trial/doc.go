// Package trial measures one rolling update: pods with one strategy of termination, behind load
// balancers that remove endpoints late, under a steady load.
//
//	load ──> balancer (each node with its lag) ──> pods of one Strategy, replaced one after the other
//
//	 pods ready   load begins     first t0     last pod gone, last endpoint removed   load ends
//	     └────────────┴── Calm ───────┴──── rollout ────────────────┴───── tail ─────────┘
//
// Everything runs in this process and in processes that it starts, on 127.0.0.1. The nodes of the
// load balancer send from 127.0.1.1 and the following addresses. When Run returns, nothing is left
// behind, regardless of the outcome.
//
// Limits: HTTP/1.1 without TLS, and readiness probes end when a pod is ready.
package trial
