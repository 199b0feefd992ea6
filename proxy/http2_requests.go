package proxy

import "lameduck/proxy/h2"

// Only the first request of an HTTP/2 connection is read, unless it is a health probe: it shows
// whether the client is a proxy, and it can be decoded without state. Load balancers that check by
// HTTP/2 keep a connection for their checks. So if the first request is a probe, all others are
// read too.

// A requestReader reads the requests of a client. It is owned by the direction from the client.
type requestReader struct {
	begun bool              // the first request has been read
	all   *h2.RequestReader // nil unless all requests are read
}

// read returns the sender of the request whose HEADERS frame is at the start of b. It reports false
// if the request is not read. It does not wait for the rest of the frame: a frame that arrives in
// parts is not read.
func (r *requestReader) read(p *probes, b []byte) (from sender, ok bool) {
	switch {
	case !r.begun:
		r.begun = true
		from = p.ofHTTP2(h2.FirstRequest(b))
		if from.probe {
			r.all = h2.NewRequestReader()
			r.all.Read(b)
		}
	case r.all != nil:
		req := r.all.Read(b)
		if !req.Known {
			r.all = nil
		}
		from = p.ofHTTP2(req)
	default:
		return sender{}, false
	}
	return from, true
}

// readRequest records the sender of a request that is about to open a stream.
func (h *http2Conn) readRequest(stream uint32, b []byte) {
	from, ok := h.reader.read(&h.server.probes, b)
	if !ok {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ledger.raiseClass(from.class)
	if from.probe {
		if h.senders == nil {
			h.senders = make(map[uint32]sender)
		}
		h.senders[stream] = from
	}
}
