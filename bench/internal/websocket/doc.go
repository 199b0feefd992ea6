// Package websocket is as much of RFC 6455 as load and app of the bench need: the opening handshake and messages of one
// frame.
//
//	client                            app
//	  Open    ── GET, Upgrade ──────>   Accept
//	          <──────── 101 ─────────
//	  a header, a payload  ─────────>   ReadHeader, ...
//
// A client masks its frames with a key of zeros, which leaves the payload as it is: to a proxy it is one like any other,
// and neither side has to touch every byte.
package websocket
