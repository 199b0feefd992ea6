package proxy

import (
	"crypto/tls"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"lameduck/proxy/h2"
)

// The protocols that are negotiated in TLS (RFC 7301; RFC 9113 section 3.2).
const (
	alpnHTTP1 = "http/1.1"
	alpnHTTP2 = "h2"
)

// security is what a route needs that terminates TLS.
type security struct {
	base   *tls.Config            // its session tickets are those of all
	offers map[string]*tls.Config // by the protocols that they offer, joined by commas

	asking sync.Mutex
	asked  bool // the app has answered; guarded by asking
	http2  bool // it speaks HTTP/2; likewise
}

// newSecurity returns nil for a route that does not terminate TLS.
func newSecurity(config *tls.Config) *security {
	if config == nil {
		return nil
	}
	s := &security{base: config.Clone(), offers: make(map[string]*tls.Config)}
	for _, protocols := range [][]string{nil, {alpnHTTP1}, {alpnHTTP2}, {alpnHTTP2, alpnHTTP1}} {
		offer := config.Clone()
		offer.NextProtos = protocols
		s.offers[strings.Join(protocols, ",")] = offer
	}
	s.base.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		return hello.Conn.(*outer).handshake.negotiate(hello)
	}
	return s
}

// offer is the configuration that offers these protocols, the first one by preference; none: whatever the client asks for.
func (s *security) offer(protocols ...string) *tls.Config {
	return s.offers[strings.Join(protocols, ",")]
}

// known are those of the client's protocols that the app may choose.
func known(protocols []string) (list []string) {
	for _, p := range protocols {
		if p == alpnHTTP1 || p == alpnHTTP2 {
			list = append(list, p)
		}
	}
	return list
}

// questionTimeout is how long the app may take to show that it speaks HTTP/2, which it does at once: SETTINGS are the first it
// says (RFC 9113 section 3.4).
const questionTimeout = time.Second

// appSpeaksHTTP2 reports whether the app speaks HTTP/2 in clear text. The first client that would like it has the app asked,
// on a connection of our own.
func (h *handshake) appSpeaksHTTP2() bool {
	s := h.conn.route.security
	s.asking.Lock()
	defer s.asking.Unlock()
	if !s.asked {
		s.http2, s.asked = h.askHTTP2()
	}
	return s.http2
}

// askHTTP2 begins HTTP/2 with the app. Not answered: it could not be reached, or said nothing.
func (h *handshake) askHTTP2() (yes, answered bool) {
	app, err := h.conn.route.Dial(h.conn.server.ctx)
	if err != nil {
		return false, false
	}
	defer func() { _ = app.Close() }()
	_ = app.SetDeadline(time.Now().Add(questionTimeout))
	if _, err := app.Write(slices.Concat(h.header, []byte(h2.Preface), h2.AppendSettings(nil))); err != nil {
		return false, false
	}
	answer := make([]byte, h2.HeaderSize)
	n, _ := io.ReadFull(app, answer)
	head, whole := h2.ParseHeader(answer[:n])
	return whole && head.Type == h2.Settings && head.Stream == 0, n > 0
}
