// Package real plays rollouts of package sim with the real program, in real time.
//
//	callers, 127.x.y.z each ──> lameduck ──> app
//	                              ▲ SIGTERM at t0, GET /hold ends with the hold
//
// Each source has an address of its own. Those behind a proxy send X-Forwarded-For. They send the
// requests of the trace, over new connections unless they keep theirs, and never repeat one. The app
// exits at once when the hold ends, as in a pod, so a later request is lost.
package real
