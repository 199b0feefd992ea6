// Package proxy relays client connections to an app, byte for byte, and asks their clients to leave once it drains.
//
//	client ──> Server.Serve ──> conn.serve ──┬─> relay ──> app     sniff, then relayRequests  ┐
//	                                         └── relay <── app                relayResponses  ├─ or relayFrames, relayMessages,
//	                                                                                          ┘  relayTunnel in both directions
//
// It is no reverse proxy: one client connection is bound to one app connection, bytes pass as they came, and the framing
// of HTTP/1, HTTP/2 and WebSocket (packages [lameduck/proxy/h1], [lameduck/proxy/h2] and [lameduck/proxy/ws]) is followed only to
// know where messages, streams and frames begin and end. There is no pool towards the app, so there is no keep-alive race
// either, and no request of one client can be smuggled into another's connection.
//
// # What is spoken
//
// The first bytes of a client tell, before they are passed on: the preface of HTTP/2, a request-line of HTTP/1, or
// anything else, which is TCP, with TLS among it. HTTP/1 may switch to HTTP/2, to WebSocket or to what we do not follow. An app that
// speaks first speaks TCP, unless it begins with SETTINGS or a status-line.
//
// TLS passes as TCP, or ends here: on a route that has a certificate everything is TLS, and what is spoken within is found in the same
// way. What is offered in ALPN follows from the app, which is asked once whether it speaks HTTP/2 in clear text, or chooses by
// itself where TLS begins anew towards it.
//
// # How a client is told to leave
//
//   - HTTP/1: the close option in the last response.
//   - HTTP/2: a GOAWAY that refuses nothing, and a PING; a second after the answer to that, a GOAWAY with the last
//     stream that was passed on; the end of the connection with the end of the last stream (RFC 9113 section 6.8).
//     A stream that the app has ended counts as open while its client goes on sending.
//   - WebSocket: a close frame with 1001 after the end of a message (RFC 6455 section 7.4.1). From then on nothing of the app's
//     is passed on, while all that the client says is, until it answers; then both sides close.
//   - Server-sent events: the end of the response after the end of an event, if an EventSource receives
//     it. Any other event stream is a long response.
//   - TCP and what else a connection has switched to: not at all. Nor HTTP/1 that has become unframed, see unframed.go.
//
// Only HTTP/1 is told in its answers; the others one after the other, so that their clients do not all come back at once.
//
// # Invariants
//
// Each has tests named after it.
//
//   - I1 Bytes pass unchanged except the close option, beside which no Keep-Alive field is left, frames of our own, and
//     what I5 asks for.
//   - I2 One client connection has one app connection at one time, from its beginning on, or from the first byte of the TLS that
//     ends here. Only where clients are kept when the app closes an idle connection is another one made after it.
//   - I3 The close option goes only into the head of the last outstanding final response: never into a 1xx, never into a
//     101. With pipelining the requests that have been passed on are answered first (RFC 9112 section 9.6); after it
//     nothing more is passed on.
//   - I4 No frame of ours stands within another, between HEADERS and its last CONTINUATION (RFC 9113 section 6.10), or
//     within a WebSocket message.
//   - I5 The last stream identifier of a GOAWAY never grows, also not with the app's own (RFC 9113 section 6.8).
//   - I6 A connection has its place before it can exist, and nothing that ends connections misses one.
//   - I7 Serve returns only after every goroutine that it has started.
//   - I8 A half-close is passed on, and a half-closed pair has a deadline.
//   - I9 What is ambiguous in framing is refused, never guessed: 400 to the client, 502 in the place of the app's response,
//     the end of the connection once a response has begun.
//   - I10 Memory per connection is bounded whatever the peers do, and a slow reader stops the other side. A connection
//     that waits holds no buffer.
//
// # An app that ends too early
//
// While draining, new connections go to the route's fallback once the app has ended, tried until it leads to a server that has an
// app; without a fallback the listener closes. What has come by a fallback never leaves by one.
//
// # What ends a connection
//
// The end of either side is passed on in kind: a FIN as a half-close, an RST as an RST, so that a body cut short is never
// taken for a whole one. Where we end a connection, after the close option, an answer of our own or the end of the hold, it is
// closed in stages: our FIN, then the client's, or five seconds in which the client has taken nothing of what is on its way to it.
// What is in flight when we end it, at the hold's maximum or at the limit of a half-closed connection, is
// reset. TLS says its end in a close_notify where the source has ended cleanly, and says none with a reset.
//
// # Limits
//
// A client that pipelines more than 32 requests waits for answers, and so does one that has 65,536 HTTP/2 streams open. The status of an
// HTTP/2 stream is not seen: its header block is not decoded. Until a request that may switch protocols is answered,
// what the client sends after it waits too. A connection whose TLS ends here holds a buffer while it waits, and is not parked.
package proxy
