package balancer

import (
	"net/http"
	"net/textproto"
	"strings"
)

// removeHopByHop removes the fields that are meant for one connection only (RFC 9110 section 7.6.1), and those
// that the Connection field names.
func removeHopByHop(h http.Header) {
	for _, field := range h.Values("Connection") {
		for name := range strings.SplitSeq(field, ",") {
			h.Del(textproto.TrimString(name))
		}
	}
	for _, name := range []string{
		"Connection", "Proxy-Connection", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
		"Expect", // the body has been read already, so nobody waits for 100 Continue
	} {
		h.Del(name)
	}
}
