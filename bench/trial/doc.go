// Package trial measures one rolling update: pods that end in one way, behind load balancers that learn of each
// end late, under a steady load.
//
//	load ──> balancer (each node learns after its lag) ──> pods of one Strategy, replaced one after the other
//
//	 pods ready   load begins     first t0       last pod gone, every node told     load ends
//	     └────────────┴── Calm ───────┴──── rollout ────────────────┴───── tail ─────────┘
//
// Everything runs in this process and in processes that it starts, on 127.0.0.1; the nodes of the load balancer send
// from 127.0.1.1 and on. Nothing is left behind when Run returns, whatever the outcome.
//
// Limits: HTTP/1.1 without TLS, and readiness that is looked at only until a pod is ready.
package trial
