package tlsterm

import "crypto/tls"

// A Config is what a [Terminator] needs.
type Config struct {
	// TLS has the certificates and the requirements for clients. The terminator sets NextProtos.
	TLS *tls.Config
	// Content is what is relayed within TLS.
	Content Content
	// Reencrypt begins TLS with the app: for the server name of the client, with the protocol that
	// the app chooses from those of the client.
	Reencrypt bool
	// AskHTTP2 asks the app whether it speaks HTTP/2 in clear text, see [AskHTTP2]. Header is the
	// one of the PROXY protocol that the client has sent. asked is false if the app was not
	// reached.
	AskHTTP2 func(header []byte) (yes, asked bool)
	// Go starts a goroutine that the owner of the terminator waits for.
	Go func(func())
}

// A Terminator terminates the TLS of the clients of one listener. Its methods may be called by any
// goroutine.
type Terminator struct {
	config Config
	base   *tls.Config            // its session tickets are shared by all offers
	known  map[string]*tls.Config // the offers of HTTP, and of no protocol
	http2  http2Support
}

// New returns a terminator. It returns nil if config has no TLS.
func New(config Config) *Terminator {
	if config.TLS == nil {
		return nil
	}
	t := &Terminator{config: config, base: config.TLS.Clone(), known: make(map[string]*tls.Config)}
	for _, p := range []string{"", ALPNHTTP10, ALPNHTTP1, ALPNHTTP2} {
		t.known[p] = t.newOffer(p)
	}
	t.base.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		return hello.Conn.(*Raw).handshake.negotiate(hello)
	}
	return t
}

// offer returns the configuration that offers one protocol, or none if it is empty. Clients choose
// the names of those that are not HTTP, so their configurations are not kept.
func (t *Terminator) offer(protocol string) *tls.Config {
	if c := t.known[protocol]; c != nil {
		return c
	}
	return t.newOffer(protocol)
}

func (t *Terminator) newOffer(protocol string) *tls.Config {
	c := t.base.Clone()
	c.GetConfigForClient, c.NextProtos = nil, nil
	if protocol != "" {
		c.NextProtos = []string{protocol}
	}
	return c
}

// SpeaksHTTP2 reports whether the app speaks HTTP/2 in clear text. It asks the app behind a header
// of the PROXY protocol if that is unknown, and returns false if the answer takes too long.
func (t *Terminator) SpeaksHTTP2(header []byte) bool {
	return t.http2.get(func() {
		t.config.Go(func() {
			if yes, asked := t.config.AskHTTP2(header); asked {
				t.http2.answer(yes)
			} else {
				t.http2.noAnswer()
			}
		})
	})
}

// Forget discards what is known of the app, so that it is asked again whether it speaks HTTP/2. It
// does nothing on a nil terminator.
func (t *Terminator) Forget() {
	if t != nil {
		t.http2.forget()
	}
}
