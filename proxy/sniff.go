package proxy

import (
	"bytes"

	"lameduck/proxy/h1"
	"lameduck/proxy/h2"
)

// recognize returns the protocol of a client that begins with b, which is not empty, where line
// reports whether b begins with a request line. It returns unknown if more bytes are needed.
func (r *Route) recognize(b []byte, line h1.Guess) protocol {
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
	switch line {
	case h1.Yes:
		return http1
	case h1.No:
		return tcp
	}
	return unknown
}

// recognizeApp returns the protocol of an app that begins with b, which is not empty, before the
// client has decided it. An HTTP/2 server may send its SETTINGS at once (RFC 9113 section 3.4); an
// HTTP/1 server, a 408.
func (r *Route) recognizeApp(b []byte) protocol {
	if r.Protocol == TCP {
		return tcp
	}
	settings, complete := h2.BeginsSettings(b)
	status := h1.RecognizeStatus(b)
	switch {
	case status == h1.Yes:
		return http1
	case settings && complete:
		return http2
	case !settings && status == h1.No:
		return tcp
	}
	return unknown
}
