package proxy

import (
	"cmp"
	"crypto/tls"
	"slices"
)

// The protocols of HTTP in ALPN (RFC 7301; RFC 9113 section 3.2). Any other one belongs to an app
// that does not speak HTTP, such as mqtt or postgresql.
const (
	alpnHTTP10 = "http/1.0"
	alpnHTTP1  = "http/1.1"
	alpnHTTP2  = "h2"
)

// chooseALPN returns the protocol for a client that offers some, where the app does not choose. It
// returns the empty string for none. A client that does not offer what it gets is refused. http2
// reports whether the app speaks HTTP/2, and is called only if the answer decides.
func chooseALPN(route Protocol, offered []string, http2 func() bool) string {
	http1, second := firstOf(offered, alpnHTTP1, alpnHTTP10), firstOf(offered, alpnHTTP2)
	switch {
	case len(offered) == 0:
		return ""
	case route == HTTP1:
		return cmp.Or(http1, alpnHTTP1)
	case route == H2C:
		return alpnHTTP2
	case route == TCP && http1 != "":
		return firstOther(offered)
	case route == TCP:
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
		if p != alpnHTTP1 && p != alpnHTTP10 && p != alpnHTTP2 {
			return p
		}
	}
	return ""
}

// A security is what a route needs that terminates TLS.
type security struct {
	base  *tls.Config            // its session tickets are those of all
	known map[string]*tls.Config // configurations for the protocols of HTTP, and for none
	http2 http2Support
}

// newSecurity returns nil for a route that does not terminate TLS.
func newSecurity(config *tls.Config) *security {
	if config == nil {
		return nil
	}
	s := &security{base: config.Clone(), known: make(map[string]*tls.Config)}
	for _, p := range []string{"", alpnHTTP10, alpnHTTP1, alpnHTTP2} {
		s.known[p] = s.newOffer(p)
	}
	s.base.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		return hello.Conn.(*outer).handshake.negotiate(hello)
	}
	return s
}

// offer returns the configuration that offers one protocol, or none if it is empty. Clients choose
// the names of those that are not HTTP, so their configurations are not kept.
func (s *security) offer(protocol string) *tls.Config {
	if c := s.known[protocol]; c != nil {
		return c
	}
	return s.newOffer(protocol)
}

func (s *security) newOffer(protocol string) *tls.Config {
	c := s.base.Clone()
	c.GetConfigForClient, c.NextProtos = nil, nil
	if protocol != "" {
		c.NextProtos = []string{protocol}
	}
	return c
}

// forget makes the next client that it matters to find out again whether the app speaks HTTP/2. s
// may be nil.
func (s *security) forget() {
	if s != nil {
		s.http2.forget()
	}
}
