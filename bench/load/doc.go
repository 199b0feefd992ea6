// Package load sends HTTP/1.1 requests at a given arrival rate and records the outcome of each.
//
// The load is open-loop: a request is sent when it is due, regardless of earlier requests, and its
// latency counts from that time. Package openloop, which lameduckctl measure uses too, is the
// engine. This package adds the client of the trials: the bodies that must be repeated, and the
// changeovers of load balancers that the harness itself reconfigures.
//
// No request is ever repeated, neither POST nor GET. The pool of kept connections drops those that
// the server has closed. So a connection that ends while idle is not a loss, and a connection that
// ends during a request is one. While a load balancer reloads its configuration, it closes idle
// connections, and a request sent on such a connection would be lost without any fault of a pod. So
// every request uses a new connection then.
//
// One case of that kind remains. Caddy opens a new listening socket and closes the old one. The
// kernel then resets the connections in the backlog of the old socket. A request on such a
// connection is a Changeover: the connection was new, was opened or broken while Config.Unsettled
// was true, and ended before the first byte of the response. A Changeover is counted separately,
// neither as answered nor as lost. All other failures are losses at any time: on a kept connection,
// after the first byte of the response, by status, by refusal or by timeout. So is a connection
// that was opened just before the changeover and broke just after it.
//
// Each POST has a different body, and the response must repeat it to the last byte.
//
// Limits: no TLS, no HTTP/2, no redirects. At most Config.MostInFlight requests are in flight. A
// load that exceeds this is aborted, since it would run out of descriptors or measure the machine.
// Every sample is kept in memory (about 100 bytes each), so that quantiles are exact.
package load
