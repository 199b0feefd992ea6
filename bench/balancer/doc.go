// Package balancer is an HTTP/1.1 load balancer that behaves as real ones do where a rollout is concerned.
//
//	clients ──> Balancer ──┬─ pool of kept connections ──> endpoint 127.0.0.1:20001
//	               ▲       └─ pool of kept connections ──> endpoint 127.0.0.1:20002
//	 Add, Remove   │
//	──────────> Late: passes a removal on Lag after it was told
//
// Requests go round robin. Connections to the endpoints are kept and reused, the one used last first. One that the
// endpoint has closed while it lay idle is not used; one whose answer carried the close option, or that did not
// follow an answer to its end, is dropped. A removed endpoint gets no new request; requests under way are finished.
//
// # When a request is tried again
//
// The rules are those of nginx with its default `proxy_next_upstream error timeout`, with a bounded number of tries:
//
//   - A connection that cannot be made (refused, or not within ConnectTimeout) sends any request on to the next
//     endpoint, since no byte of it has been sent.
//   - A connection that fails, or stays silent for ReadTimeout, after bytes of the request may have been sent and
//     before the whole head of the answer has come, sends the request on too, but never a POST, LOCK or PATCH.
//   - Once the answer's head has come nothing is tried again: the client's connection is cut where the answer was.
//   - An answer, whatever its status, is passed on.
//   - At most Retries further endpoints are tried, none twice. (nginx tries all of them, and is more patient with
//     kept connections; it also leaves an endpoint alone for 10 s after a failure. Cloud load balancers mostly do
//     none of these.)
//
// When no endpoint is left the client gets 502, or 504 where the last one was too slow. The connection to the client
// stays open after these. Request bodies are read to the end, up to 1 MiB (then 413), before an endpoint is chosen.
//
// # Limits
//
// No TLS, no HTTP/2, no upgrades, no CONNECT, no active health checks and no passive ones.
package balancer
