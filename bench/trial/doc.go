// Package trial measures one rolling update: pods that end in one way, behind a load balancer that learns of each
// end late, under a steady load.
//
//	load ──> balancer (learns Lag late) ──> pods of one Strategy, replaced one after the other
//
//	 pods ready   load begins     first t0       last pod gone, load balancer told     load ends
//	     └────────────┴── Calm ───────┴──── rollout ────────────────┴────── Tail ──────────┘
//
// Everything runs in this process and in processes that it starts, on 127.0.0.1. Nothing is left behind when Run
// returns, whatever the outcome.
//
// Limits: the built-in load balancer only, one node of it, HTTP/1.1.
package trial
