// Package websocket implements the part of RFC 6455 that the bench needs: the opening handshake and
// messages of one frame.
//
//	client                            app
//	  Open    ── GET, Upgrade ──────>   Accept
//	          <──────── 101 ─────────
//	  a header, a payload  ─────────>   ReadHeader, ...
//
// A client masks its frames with a key of zeros, which leaves the payload unchanged, so that
// neither side has to process every byte. To a proxy it is a key like any other.
package websocket
