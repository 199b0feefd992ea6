// Package openloop sends requests at given times and records the outcome of each.
//
// A request is sent when it is due, regardless of earlier requests, and its latency counts from
// that time. So a stall of the server shows in every request that had to wait. A closed-loop
// client, which waits for each response before it sends the next request, would show a single slow
// request.
//
//	due:   |    |    |    |    |    |        arrivals, 1/Rate apart
//	sent:  |    |    |    |    |    |        each by a goroutine of its own
//	ends:     |    |    |  x    |   |        a Sample: when due, its latency, a Cause if it failed
//
// Run calls a function once for each request. The function decides what to send and how: bench/load
// sends HTTP/1.1 to its load balancers, and lameduckctl measure sends HTTP/1.1 and HTTP/2 to a
// service. Both count with this package, so their figures are comparable. Both also use its
// functions that read a response and classify its failure.
//
// The package imports no other package of this module and runs on every system that Go supports.
//
// Limits: every sample is kept in memory (about 100 bytes each), so that quantiles are exact.
package openloop
