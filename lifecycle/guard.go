package lifecycle

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// localOnly rejects requests that a program on this host makes on behalf of somebody else. The
// control address is on the loopback interface, but a browser on the host connects there for any
// web page, and a server may be tricked into it by its clients (SSRF). Such requests reveal
// themselves: by a Host that is a foreign name resolving to 127.0.0.1, or by a field that browsers
// and proxies add.
func localOnly(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if reason := foreign(r); reason != "" {
			http.Error(w, reason+": only programs on this host may use this address", http.StatusForbidden)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// foreign returns why a request is made on behalf of somebody else, or an empty string.
func foreign(r *http.Request) string {
	if !isLoopbackHost(r.Host) {
		return "the Host is not a loopback address"
	}
	if ap, err := netip.ParseAddrPort(r.RemoteAddr); err != nil || !ap.Addr().Unmap().IsLoopback() {
		return "the client's address is not a loopback address"
	}
	for name := range r.Header {
		if isForeignField(name) {
			return "the request has the field " + name
		}
	}
	return ""
}

// foreignFields are the fields that browsers and proxies add to the requests of others.
var foreignFields = map[string]bool{
	"Origin": true, "Referer": true, "Cookie": true, // browsers
	"Forwarded": true, "Via": true, "X-Real-Ip": true, // proxies
}

// isForeignField reports whether a field, by its canonical name, is one that browsers and proxies
// add.
func isForeignField(name string) bool {
	return foreignFields[name] || strings.HasPrefix(name, "Sec-") || strings.HasPrefix(name, "X-Forwarded-")
}

// isLoopbackHost reports whether a Host field, with or without a port, names the loopback
// interface.
func isLoopbackHost(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	} else {
		host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}
