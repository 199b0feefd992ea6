package proxy

import (
	"bytes"

	"lameduck/proxy/h1"
	"lameduck/proxy/h2"
	"lameduck/proxy/pp"
)

// sniff waits for the first bytes of a client, without relaying them, until the protocol is known.
func (h *http1Conn) sniff() outcome {
	f := &h.requests
	if h.route.Proxied {
		if o := h.passProxyHeader(); o.stops() {
			return h.endSniff(o)
		}
	}
	for {
		f.Pass(h1.EmptyLines(f.Pending())) // they mean nothing, in front of a request line or at all
		if len(f.Pending()) > 0 {
			if p := h.route.recognize(f.Pending()); p != unknown {
				return h.settle(p)
			}
		}
		if o := h.readStart(); o.stops() {
			return h.endSniff(o)
		}
	}
}

// endSniff ends the wait for the first bytes. A client that has begun neither a method nor a complete
// header of the PROXY protocol, and waits, speaks TCP.
func (h *http1Conn) endSniff(o outcome) outcome {
	f := &h.requests
	switch {
	case o.verdict != ended:
	case o.err == errHeadTimeout && (bytes.IndexByte(f.Pending(), ' ') < 0 || h.route.Proxied && !h.sniffing.proxyHeaderDone):
		return h.settle(tcp)
	case len(f.Pending()) > 0:
		return h.refuseRequest(o)
	}
	return o
}

// passProxyHeader relays the header of the PROXY protocol, which comes before the client's first byte.
func (h *http1Conn) passProxyHeader() outcome {
	f := &h.requests
	for !h.sniffing.proxyHeaderDone {
		if size, ok := pp.Size(f.Pending()); ok {
			header := h1.FixedBody(int64(size))
			if err := f.CopyBody(&header); err != nil {
				return endedBy(err)
			}
			h.sniffing.proxyHeaderDone = true
			continue
		}
		if o := h.readStart(); o.stops() {
			return o
		}
	}
	return proceed
}

// readStart reads: without a limit if nothing has come yet, and for as long as a head may take from the
// first byte on.
func (h *http1Conn) readStart() outcome {
	if len(h.requests.Pending()) == 0 {
		return h.await(fromClient)
	}
	h.setProgress(arriving)
	return endedBy(h.limitHead(h.requests.Fill))
}

// settle records the protocol, if it is still unknown.
func (h *http1Conn) settle(p protocol) outcome {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.request.Store(uint32(idle))
	if h.protocol == unknown {
		h.speakLocked(p)
	}
	return outcome{verdict: switched}
}

// recognize returns the protocol of a client that begins with b, which is not empty. It returns unknown if
// more bytes are needed.
func (r *Route) recognize(b []byte) protocol {
	switch r.Protocol {
	case TCP:
		return tcp
	case HTTP1:
		return http1
	case H2C:
		return http2
	}
	preface := b[:min(len(b), len(h2.Preface))]
	if bytes.HasPrefix([]byte(h2.Preface), preface) {
		if len(preface) < len(h2.Preface) {
			return unknown
		}
		return http2
	}
	switch h1.Recognize(b) {
	case h1.Yes:
		return http1
	case h1.No:
		return tcp
	}
	return unknown
}

// recognizeApp returns the protocol of an app that begins with b, which is not empty, before the client has
// sent anything. An HTTP/2 server may send its SETTINGS at once (RFC 9113 section 3.4); an HTTP/1 server,
// a 408.
func (r *Route) recognizeApp(b []byte) protocol {
	h, complete := h2.ParseHeader(b)
	switch {
	case r.Protocol == TCP:
		return tcp
	case b[0] == 'H':
		return http1
	case complete && h.Type == h2.Settings && h.Stream == 0 && h.Flags == 0:
		return http2
	case complete || b[0] != 0:
		return tcp
	}
	return unknown
}
