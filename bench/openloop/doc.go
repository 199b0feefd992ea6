// Package openloop sends requests at given times and records the outcome of each.
//
// A request is due at its time, whatever happened to the requests before it, and its latency counts
// from that time. So a stall of the server shows in every request that had to wait. A closed-loop
// client, which waits for each response before it sends the next request, would show a single slow
// request.
//
//	due:   |    |    |    |    |    |        arrivals, 1/Rate apart
//	sent:  |    |    |    |    |    |        each by a goroutine of its own
//	ends:     |    |    |  x    |   |        a Sample: when due, its latency, a Cause if it failed
//
// Run calls a function for each request, once. What the function sends, and how, is its own affair:
// bench/load sends HTTP/1.1 to its load balancers, and lameduckctl measure sends HTTP/1.1 and HTTP/2
// to a service. Both count with this package, so their figures agree. The functions here that read a
// response and classify its failure are for both, too.
//
// The package imports nothing of this module and runs on every system that Go supports.
//
// Limits: every sample is kept in memory (about 100 bytes each), so that quantiles are exact.
package openloop
