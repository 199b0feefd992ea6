package proxy

import (
	"errors"
	"io"

	"go.uber.org/zap"

	"lameduck/proxy/h1"
	"lameduck/proxy/pump"
)

// relayResponses relays responses until the app has no more, or the last one has been relayed.
func (h *http1Conn) relayResponses() outcome {
	f := &h.responses
	for {
		r, o := h.readResponse()
		if o.stops() {
			return h.endOfResponses(o)
		}
		if r.Interim() {
			f.Pass(r.Size)
			continue
		}
		if err := h.passFinalHead(&r); err != nil {
			return endedBy(err)
		}
		if r.Body.Kind() == h1.Tunnel {
			return outcome{verdict: switched}
		}
		err := h.copyResponseBody(&r)
		closed := err == io.EOF && r.Body.Kind() == h1.UntilClose
		if err != nil && !closed {
			return endedBy(err)
		}
		if err := f.Flush(); err != nil {
			return endedBy(err)
		}
		if h.answered(&r.Response) {
			return outcome{verdict: lastSent}
		}
		if closed {
			return endedBy(io.EOF)
		}
	}
}

// endOfResponses ends the direction from the app with an outcome of readResponse.
func (h *http1Conn) endOfResponses(o outcome) outcome {
	if o.verdict != ended {
		return o
	}
	if h.reconnect.detach(o.err) {
		return outcome{verdict: detached}
	}
	var reason h1.Error
	switch {
	case o.err == errUnsolicited:
		return h.relaySurplus()
	case errors.As(o.err, &reason):
		h.server.log.Warn("response refused", zap.Stringer("app", h.app.RemoteAddr()), zap.Error(o.err))
		return h.badGateway()
	case o.err == io.EOF && len(h.responses.Pending()) > 0 && h.claimPart():
		// The app has sent a part of a head and ended. Some clients make do with it, such as curl
		// without the empty line.
		return passRest(&h.responses, o)
	}
	return o
}

// A need is what takeResponse waits for to know what the app has sent.
type need uint8

const (
	nothing  need = iota // it is known
	moreByte             // at least one more byte
	aHead                // the rest of a head
)

// errUnsolicited reports that the app has sent bytes without a request.
var errUnsolicited = errors.New("response without a request")

// readResponse waits for the complete head of the next response.
func (h *http1Conn) readResponse() (reply, outcome) {
	f := &h.responses
	for {
		if len(f.Pending()) == 0 {
			if o := h.await(fromApp); o.stops() {
				return reply{}, o
			}
		}
		r, n, o := h.takeResponse()
		switch n {
		case nothing:
			return r, o
		case moreByte:
			o = h.retry(fromApp, f.Fill())
		case aHead:
			o = h.completeResponse(r.exchange.method)
		}
		if o.stops() {
			return reply{}, o
		}
	}
}

// completeResponse waits until the head of a response is complete. If the app ends within it, the
// lines that it has sent decide whether they are refused.
func (h *http1Conn) completeResponse(to h1.Method) outcome {
	err := h.server.fillHead(&h.responses, endsHead)
	if err == io.EOF {
		if _, refused := h1.ParseResponse(h.responses.Pending(), to); refused != nil {
			err = refused
		}
	}
	return endedBy(err)
}

// takeResponse examines what the app has sent. If it begins with a complete head, takeResponse
// decides what the response means for the connection, atomically with respect to begin.
func (h *http1Conn) takeResponse() (reply, need, outcome) {
	f := &h.responses
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.relayer != relayer(h) && !h.unframed.isOwedFramedLocked() {
		return reply{}, nothing, outcome{verdict: switched}
	}
	f.Pass(h1.EmptyLines(f.Pending())) // in front of a status line, or behind the last response
	switch b := f.Pending(); {         // not as a string, which would be allocated
	case len(b) == 0, len(b) == 1 && b[0] == '\r':
		return reply{}, moreByte, proceed
	case h.ledger.len() == 0 && h.refused:
		return reply{}, nothing, outcome{verdict: lastSent}
	case h.ledger.len() == 0:
		h.beginSurplusLocked()
		return reply{}, nothing, endedBy(errUnsolicited)
	}
	r := reply{exchange: h.ledger.oldest()}
	var err error
	if r.Response, err = h1.ParseResponse(f.Pending(), r.exchange.method); err == nil {
		err = h.server.checkHeadSize(r.Size)
	}
	switch {
	case err != nil:
		return r, nothing, endedBy(err)
	case r.Size == 0:
		return r, aHead, proceed
	case r.Status == 101 && !r.exchange.switches:
		return r, nothing, endedBy(h1.ErrSwitch)
	}
	h.reconnect.dropLocked()
	if r.Interim() {
		if r.Status == 100 {
			h.ledger.continueOldest()
			if h.ledger.len() == 1 {
				h.swapProgress(headPassed, passing)
			}
		}
		return r, nothing, proceed
	}
	return r, nothing, h.takeFinalLocked(&r)
}

// takeFinalLocked decides what the final response to the oldest request means for the connection:
// whether it switches protocols, and whether it asks the client to disconnect. While draining, the
// first response stops further requests, and the last outstanding one gets the close option. A
// response that [asksToRepeat], or a challenge within a handshake, does neither: the client fails if
// it cannot send its next request on this connection.
func (h *http1Conn) takeFinalLocked(r *reply) outcome {
	if h.refused {
		return outcome{verdict: lastSent}
	}
	if h.protocol == undecided && h.ledger.len() == 1 {
		h.switchLocked(&r.Response)
	}
	h.responding = h.protocol != http2 // its streams show what is unfinished
	h.untilClose = r.Body.Kind() == h1.UntilClose
	head := h.responses.Pending()[:r.Size]
	h.reconnect.notePersistenceLocked(head)
	loses := losesFraming(r.exchange, &r.Response, head)
	switch {
	case h.protocol == unframed:
		h.unframed.raw = r.Body.Kind() == h1.Tunnel
	case h.protocol > undecided:
	case loses && (!h.server.draining() || asksToRepeat(&r.Response) && !h.life.closing):
		h.loseFramingLocked()
	case h.server.draining() && (h.life.closing || !r.Handshake):
		h.life.closing = true
		h.broadcastLocked()
		if h.ledger.len() == 1 && !h.answering {
			h.life.end(endedDrain)
			r.addClose = true
		}
	}
	return proceed
}

// switchLocked settles the protocol after the response to a request that may switch it.
func (h *http1Conn) switchLocked(r *h1.Response) {
	switch {
	case r.Body.Kind() != h1.Tunnel:
		h.speakLocked(http1)
		return
	case r.Status == 101 && r.Upgrade("h2c"):
		h.ledger.pop(r.Status)
		h.speakLocked(http2)
		h.relayer.(*http2Conn).continueLocked()
	case r.Status == 101 && r.Upgrade("websocket"):
		h.speakLocked(websocket)
	default:
		h.speakLocked(tunnel)
	}
	h.ledger.switched = r.Status
	h.interruptLocked(fromClient) // it follows the new protocol, even if the client sends nothing more
}

// passFinalHead passes the head of a final response, with the close option if r.addClose is set.
func (h *http1Conn) passFinalHead(r *reply) error {
	f := &h.responses
	switch {
	case r.Body.Kind() == h1.Tunnel:
		f.Pass(r.Size)
		return f.Flush()
	case !r.addClose:
		f.Pass(r.Size)
		return nil
	}
	b := pump.NewLargeBuffer()
	defer b.Free()
	return f.Replace(r.Size, h1.AppendCloseOption(b.Bytes[:0], f.Pending()[:r.Size]))
}

// answered accounts for a response that has been relayed completely, and reports whether it was the
// last.
func (h *http1Conn) answered(r *h1.Response) (last bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if e := h.ledger.remove(); !h.outlastsLocked(e, r) {
		h.ledger.end(e, r.Status)
	}
	h.responding = false
	h.reconnect.noteAnswerLocked()
	if h.unframed != nil {
		h.unframed.accountLocked()
	}
	h.broadcastLocked()
	return h.life.closing && h.ledger.len() == 0 && !h.answering
}

// losesFraming reports whether a response with this head makes it unknown what follows the request:
// its body or the next request.
func losesFraming(e exchange, resp *h1.Response, head []byte) bool {
	return e.withholds && resp.Body.Kind() != h1.UntilClose && h1.Persists(head)
}

// asksToRepeat reports whether a response asks the client to send the request again without Expect
// (RFC 9110 section 15.5.18). Clients such as curl do so only on the same connection, so this
// response does not get the close option in a drain.
func asksToRepeat(r *h1.Response) bool { return r.Status == 417 }

// outlastsLocked reports whether the request of an exchange that has been answered is still being
// relayed. The exchange is in flight until that ends then.
func (h *http1Conn) outlastsLocked(e exchange, r *h1.Response) bool {
	if h.ledger.len() > 0 || h.life.states[fromClient] == done || !h.swapProgress(passing, outlasting) {
		return false
	}
	framed := r.Body.Kind() != h1.UntilClose
	h.upload = &upload{held: true, exchange: e, status: r.Status, framed: framed}
	return true
}
