// Package silence estimates whether more requests will arrive, from the silence of their sources.
//
// A source is a client address: a load balancer has a few, the callers inside a cluster are many.
// While the pod serves, each source leaves a histogram of the gaps between its exchanges. In a drain
// the rule is:
//
//   - Sources lose their route to the pod at different times. Those of one [Class] do so within the
//     same delay, which is unknown: anything from a quarter of a second to [Rule.Longest].
//   - A source that is silent for much longer than its gaps has probably lost its route. One that
//     often pauses for so long proves nothing.
//   - Each delay is weighed by how well it explains the silence of all sources of the class. Many
//     silent sources together rule out long delays, even if each of them is slow.
//   - New connections show where a router routes. A direct caller that keeps a connection from before
//     the drain needs no route, so its silence proves nothing.
//   - A source whose health checks have stopped will not send again.
//   - From that follows the probability that at least one more request arrives, [Forecast.More]. The
//     hold ends when it is below a limit and every source has been silent for a minimum.
//
// Nothing is assumed about the distribution of the gaps: for any distribution the probability that
// the next gap is longer than the longest of n is 1/(n+1). Gaps may lengthen by half in a rollout.
// Behind load balancers they may also double, which is as unknown as the delay.
//
// Anybody can send requests with any header. What shortens a hold therefore concerns the address that
// sent it, and one address has limited influence on what is concluded about the others of its class.
//
// Time is an argument: every instant is a [time.Duration] since an epoch that the caller chooses.
package silence
