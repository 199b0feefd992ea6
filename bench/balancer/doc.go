// Package balancer runs the load balancers of a rollout: a built-in one for HTTP/1.1 that behaves
// like real ones during a rollout, and nginx, HAProxy and Caddy.
//
//	clients ──> Balancer ──┬─ pool of kept connections ──> endpoint 127.0.0.1:20001
//	               ▲       └─ pool of kept connections ──> endpoint 127.0.0.1:20002
//	               │ Add at once, Remove after the lag of the node
//	             Fleet: one or more nodes that share their endpoints
//
// Requests go round robin. Connections to the endpoints are kept and reused, the one used last
// first. A connection that the endpoint closed while it was idle is not used. A connection is
// closed after a response with the close option, and after a response that was not read to its end.
// A removed endpoint gets no new request; requests in flight are finished.
//
// # Retries of the built-in load balancer
//
// The rules are those of nginx with its default `proxy_next_upstream error timeout`, with a bounded
// number of tries:
//
//   - If the connection cannot be made (refused, or not within ConnectTimeout), any request is sent
//     to the next endpoint, since no byte of it has been sent.
//   - If the connection fails, or is silent for ReadTimeout, before the whole response head has
//     arrived, the request is also sent to the next endpoint, except a POST, LOCK or PATCH.
//   - Once the response head has arrived, nothing is retried. If the response is cut, so is the
//     connection to the client.
//   - A response is passed on, regardless of its status.
//   - At most Retries further endpoints are tried, none twice. (nginx tries all of them, also retries
//     on kept connections, and avoids an endpoint for 10 s after a failure. Most cloud load balancers
//     do none of this.)
//
// When no endpoint is left, the client gets 502, or 504 if the last endpoint was too slow. The
// connection to the client stays open. A request body is read to its end, up to 1 MiB (then 413),
// before an endpoint is chosen.
//
// # Limits
//
// No TLS, no HTTP/2, no upgrades, no CONNECT, and no health checks, active or passive.
package balancer
