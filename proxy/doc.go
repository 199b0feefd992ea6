// Package proxy relays client connections to an app, byte for byte, and asks their clients to
// disconnect in a drain.
//
//	client ──> Server ──> conn ──┬──> direction from the client ──> app
//	                             └──< direction from the app    <── app
//
//	             each direction is relayed by the relayer of the protocol:
//	             openingConn, http1Conn, http2Conn, wsConn, tunnelConn, unframedConn
//
// It is not a reverse proxy. One client connection is bound to one app connection, and bytes are
// relayed as they came. The framing of HTTP/1, HTTP/2 and WebSocket (packages [lameduck/proxy/h1],
// [lameduck/proxy/h2] and [lameduck/proxy/ws]) is followed only to know where messages, streams and
// frames begin and end. App connections are not pooled. That excludes the keep-alive race, and the
// smuggling of one client's request into the connection of another.
//
// # Protocols
//
// The protocol is detected from the first bytes of the client: the preface of HTTP/2, or a complete
// and valid request line of HTTP/1. Anything else is relayed as TCP, and so is TLS. Detection
// delays nothing and refuses nothing: undecided bytes are relayed at once. HTTP/1 may switch to
// HTTP/2, to WebSocket or to a protocol that is not interpreted. If the app sends first, it is TCP,
// unless the app begins with SETTINGS or a status line.
//
// TLS is relayed as TCP, or terminated: on a route with a certificate everything is TLS, and the
// protocol inside it is detected in the same way. The protocols that are offered in ALPN depend on
// the app. Lameduck tests whether it supports HTTP/2 in clear text or, when re-encrypting, lets it
// choose.
//
// # How a client is asked to disconnect
//
//   - HTTP/1: the close option in the last response.
//   - HTTP/2: a GOAWAY that refuses no stream, and a PING; a second after the answer to that, a
//     GOAWAY with the last stream that was relayed. The connection ends with that stream (RFC 9113
//     section 6.8). A stream that the app has ended counts as open while its client goes on
//     sending.
//   - WebSocket: a close frame with 1001 after the end of a message (RFC 6455 section 7.4.1). After
//     that, data from the app is dropped, and data from the client is still relayed until the
//     client answers with its own close frame, or its time for that is over. Then both sides close.
//   - Server-sent events: the end of the response after the end of an event, if an EventSource
//     receives it. Any other event stream is a long response.
//   - TCP, and any other protocol that a connection has switched to: not at all. The same holds for
//     HTTP/1 that has become unframed, see unframed.go.
//
// HTTP/1 clients are asked in a response. The notices of the other protocols are spread, so that
// the clients do not reconnect all at once.
//
// # Invariants
//
// Each has tests named after it.
//
//   - I1 Bytes are relayed unchanged, except for the close option, next to which no Keep-Alive
//     field is left, frames of our own, and what I5 requires.
//   - I2 One client connection has one app connection at a time: from its start, or from the first
//     byte of TLS that is terminated. A second one follows only if the app has closed an idle
//     connection and [Config.KeepClient] keeps the client.
//   - I3 The close option goes only into the head of the last outstanding final response, never
//     into a 1xx response. Pipelined requests that have been relayed are answered first (RFC 9112
//     section 9.6), and no request is relayed after it.
//   - I4 No frame of ours is inserted into another one, between HEADERS and its last CONTINUATION
//     (RFC 9113 section 6.10), or into a WebSocket message.
//   - I5 The last stream identifier of a GOAWAY never grows, not even with the app's own GOAWAY
//     (RFC 9113 section 6.8).
//   - I6 A slot is reserved before Accept, and every accepted connection is visible to Drain,
//     CloseIdle, Cut and Close.
//   - I7 Serve returns only after every goroutine that it has started.
//   - I8 A half-close is propagated. A direction that still relays bytes is limited only in its
//     silence; one that does not has a deadline.
//   - I9 Ambiguous framing is refused, never guessed: with a 400 to the client, with a 502 in
//     place of the app's response, or with a reset once a response has begun.
//   - I10 Memory per connection is bounded whatever the peers do, and a slow reader stops the other
//     side. A connection that waits holds no buffer.
//
// # An app that exits early
//
// Once the app has exited in a drain, new connections go to the route's fallback, which is redialed
// until it leads to a server that has an app. Without a fallback the listener is closed. A
// connection that arrived through a fallback is never sent to another one.
//
// # Ends of connections
//
// The end of either side is propagated in kind: a FIN as a half-close, an RST as an RST, so that a
// truncated body never looks complete. The exception is an app that sends an RST when nothing is
// outstanding: its client gets a FIN, because an RST would destroy what the client has not read yet.
//
// When we end a connection, after the close option, an answer of our own or the end of the hold, we
// close it in stages: first our FIN, then we wait for the client's, or until the client has received
// nothing for five seconds. What is in flight when we end it, at the hold's maximum or at the limit
// of a half-closed connection, is reset. With TLS, a clean end is propagated as a close_notify, and
// a reset is not.
//
// A response may end before its request. The request is still relayed, and in flight, as long as
// the app reads it.
//
// # Limits
//
// A client that pipelines more than 32 requests waits for answers, and so does one that has 65,536
// HTTP/2 streams open. The status of an HTTP/2 stream is unknown, because its header block is not
// decoded. Until a request that may switch protocols is answered, a request behind it waits; other
// bytes are relayed. The bytes held for slow clients are bounded in sum, see
// [Config.SlowPeerBytes].
package proxy
