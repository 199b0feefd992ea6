// Package real plays rollouts of package sim with the real program, in real time.
//
//	callers, 127.x.y.z each ──> lameduck ──> app
//	                              ▲ SIGTERM at t0, GET /hold ends with the hold
//
// Each source has an address of its own. Those behind a proxy send X-Forwarded-For. They send what
// the trace says, over new connections unless they keep theirs, and never repeat a request. The app
// ends at once when the hold does, as in a pod, so a request that comes later is lost.
package real
