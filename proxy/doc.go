// Package proxy relays client connections to an app, byte for byte, and asks their clients to leave once it drains.
//
//	client ──> Server.Serve ──> conn.serve ──> serveHTTP1 ──┬─> relayRequests  ──> app
//	                                                        └── relayResponses <── app
//
// It is no reverse proxy: one client connection is bound to one app connection, bytes pass as they came, and the framing
// of HTTP/1 (package [lameduck/proxy/h1]) is followed only to know where messages begin and end. There is no pool towards the app, so
// there is no keep-alive race either, and no request of one client can be smuggled into another's connection.
//
// # Invariants
//
// Each has tests named after it.
//
//   - I1 Bytes pass unchanged except the close option, beside which no Keep-Alive field is left.
//   - I2 One client connection has one app connection, from its beginning on and at one time.
//   - I3 The close option goes only into the head of the last outstanding final response: never into a 1xx, never into a
//     101. With pipelining the requests that have been passed on are answered first (RFC 9112 section 9.6); after it
//     nothing more is passed on.
//   - I6 A connection has its place before it can exist, and nothing that ends connections misses one.
//   - I7 Serve returns only after every goroutine that it has started.
//   - I8 A half-close is passed on, and a half-closed pair has a deadline.
//   - I9 What is ambiguous in framing is refused, never guessed: 400 to the client, 502 in the place of the app's response,
//     the end of the connection once a response has begun.
//   - I10 Memory per connection is bounded whatever the peers do, and a slow reader stops the other side. A connection
//     that waits holds no buffer.
//
// # What ends a connection
//
// The end of either side is passed on in kind: a FIN as a half-close, an RST as an RST, so that a body cut short is never
// taken for a whole one. Where we end a connection, after the close option, an answer of our own or the end of the hold, it is
// closed in stages: our FIN, then the client's, or five seconds.
//
// # Limits
//
// A client that pipelines more than 32 requests waits for answers. Until a request that may switch protocols is answered,
// what the client sends after it waits too.
package proxy
