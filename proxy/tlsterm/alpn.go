package tlsterm

import (
	"cmp"
	"slices"
)

// The protocols of HTTP in ALPN (RFC 7301; RFC 9113 section 3.2). Any other one belongs to an app
// that does not speak HTTP, such as mqtt or postgresql.
const (
	ALPNHTTP10 = "http/1.0"
	ALPNHTTP1  = "http/1.1"
	ALPNHTTP2  = "h2"
)

// A Content is what a listener relays within TLS. The zero value is [Any].
type Content uint8

// What is relayed within TLS.
const (
	Any   Content = iota // what the client and the app both speak
	HTTP1                // HTTP/1 alone
	HTTP2                // HTTP/2 alone
	Other                // no HTTP, as far as the client can do without
)

// choose returns the protocol for a client that offers some, where the app does not choose. It
// returns the empty string for none. A client that does not offer what it gets is refused. http2
// reports whether the app speaks HTTP/2, and is called only if the answer decides.
func (c Content) choose(offered []string, http2 func() bool) string {
	http1, second := firstOf(offered, ALPNHTTP1, ALPNHTTP10), firstOf(offered, ALPNHTTP2)
	switch {
	case len(offered) == 0:
		return ""
	case c == HTTP1:
		return cmp.Or(http1, ALPNHTTP1)
	case c == HTTP2:
		return ALPNHTTP2
	case c == Other && http1 != "":
		return firstOther(offered)
	case c == Other:
		return cmp.Or(firstOther(offered), second)
	case http1 != "" && second != "" && http2():
		return second
	}
	// A client that speaks only HTTP/2 gets it: the app decides what to make of that.
	return cmp.Or(http1, second, firstOther(offered))
}

// firstOf returns the first of the wanted protocols that is offered, or the empty string.
func firstOf(offered []string, wanted ...string) string {
	for _, p := range wanted {
		if slices.Contains(offered, p) {
			return p
		}
	}
	return ""
}

// firstOther returns the first protocol that is not HTTP, or the empty string.
func firstOther(offered []string) string {
	for _, p := range offered {
		if p != ALPNHTTP1 && p != ALPNHTTP10 && p != ALPNHTTP2 {
			return p
		}
	}
	return ""
}
