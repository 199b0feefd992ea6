// Package load sends HTTP/1.1 requests at a constant arrival rate and says what became of each of them.
//
// The load is open-loop: a request is due at its time whatever became of the ones before it, and its latency
// counts from that time. A server that stalls therefore shows every request that had to wait, where a client that
// waits for one answer before it asks the next question would show a single slow one.
//
//	due:   |    |    |    |    |    |        arrivals, 1/Rate apart
//	sent:  |    |    |    |    |    |        each by a goroutine of its own
//	ends:     |    |    |  x    |   |        a Sample: when due, how long, which Cause if it failed
//
// No request is ever repeated, POST or GET: what goes wrong is counted as what it is. Kept connections are taken
// from a pool that throws away those the server has closed, so a connection that ends while it lies idle is no
// loss; a connection that ends under a request is. While a load balancer that reloads its configuration changes over, every
// request has a connection of its own: it closes idle ones then, and a request that meets such a close is lost without
// any pod's doing.
//
// One loss of that kind remains. A load balancer that opens a new listening socket and closes the old one, as Caddy does, leaves
// connections in the old one's queue that it has not accepted, and the kernel resets them. A request on such a connection, a new
// one that was opened or broken while Config.Unsettled held and ended before the first byte of its answer, is a
// Changeover: counted by itself, neither answered nor lost. Everything else that goes wrong meanwhile is a loss as at any other
// time: on a kept connection, after the answer's first byte, by status, by refusal or by timeout. What was opened just before
// the changeover and is seen to break just after it counts as lost, too.
//
// A POST carries a body that is different each time, and the answer must repeat it to the last byte.
//
// Limits: one address, no TLS, no HTTP/2, no redirects. No more than Config.MostOut requests are under way: a load that has
// more of them due is given up, since it would go on to run out of descriptors or to measure the machine. Every sample is kept in memory (about 100 bytes each), so that quantiles are exact.
package load
