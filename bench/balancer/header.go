package balancer

import (
	"net/http"
	"net/textproto"
	"strings"
)

// removeHopByHop removes the fields that apply to one connection only (RFC 9110 section 7.6.1),
// including those that the Connection field lists.
func removeHopByHop(h http.Header) {
	for _, field := range h.Values("Connection") {
		for name := range strings.SplitSeq(field, ",") {
			h.Del(textproto.TrimString(name))
		}
	}
	for _, name := range []string{
		"Connection", "Proxy-Connection", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
		"Expect", // the body has been read already, so 100 Continue is of no use
	} {
		h.Del(name)
	}
}
