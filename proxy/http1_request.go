package proxy

import "lameduck/proxy/h1"

// relay implements [relayer].
func (h *http1Conn) relay(d direction) outcome {
	if d == fromApp {
		return h.relayResponses()
	}
	return h.relayRequests()
}

// relayRequests relays requests until the client has no more, or nothing more may be relayed.
func (h *http1Conn) relayRequests() outcome {
	f := &h.requests
	for {
		req, o := h.readRequest()
		if o.stops() {
			return h.refuseRequest(o)
		}
		if h.server.failsHealthCheck(&req) {
			h.noteCheck(&req)
			return h.refuse(answerDraining)
		}
		if o := h.reconnect.reattach(); o.stops() {
			return o
		}
		switch o := h.begin(&req); o.verdict {
		case goesOn:
		case detached:
			continue // the app has closed at this moment: read the head again, and redial
		default:
			if err := f.Flush(); err != nil { // the requests before it are answered
				return endedBy(err)
			}
			return o
		}
		f.Pass(req.Size)
		switch o := h.copyRequestBody(&req); o.verdict {
		case goesOn:
		case switched:
			return o
		default:
			return h.refuseRequest(o)
		}
		if o := h.finishRequest(); o.stops() {
			return o
		}
		if req.Switches() {
			if o := h.awaitSwitch(); o.stops() {
				return o
			}
		}
		if o := h.writeRequests(); o.stops() {
			return h.refuseRequest(o)
		}
	}
}

// readRequest waits for the complete head of the next request. Its first byte may take any time;
// from then on the header timeout runs. Empty lines before the head are relayed as they come.
func (h *http1Conn) readRequest() (h1.Request, outcome) {
	f := &h.requests
	for {
		f.Pass(h1.EmptyLines(f.Pending()))
		req, err := h1.ParseRequest(f.Pending())
		if err == nil {
			err = h.server.checkHeadSize(req.Size)
		}
		if req.Size == 0 && h.passAsContent(err) {
			return req, outcome{verdict: switched}
		}
		if err != nil || req.Size > 0 {
			return req, endedBy(err)
		}
		var o outcome
		if len(f.Pending()) == 0 {
			o = h.await(fromClient)
		} else {
			o = h.completeHead()
		}
		if o = h.reconnect.replay(o); o.stops() {
			return req, o
		}
	}
}

// writeRequests writes the requests that have been passed, unless another one is buffered already.
func (h *http1Conn) writeRequests() outcome {
	if len(h.requests.Pending()) > 0 {
		return proceed
	}
	return h.reconnect.replay(endedBy(h.requests.Flush()))
}

// completeHead waits until the head that has begun is complete, or turns out to be an empty line.
func (h *http1Conn) completeHead() outcome {
	h.setProgress(arriving)
	err := h.limitHead(func() error { return h.server.fillHead(&h.requests, endsRequestHead) })
	if h1.EmptyLines(h.requests.Pending()) > 0 {
		h.setProgress(idle)
	}
	if (isTimeout(err) || err == errHeadTimeout) && h.reconnect.isStale() {
		return outcome{verdict: stale}
	}
	return endedBy(err)
}

// begin accounts for a request before its first byte is relayed. The outcome is lastSent if it must
// not be relayed, detached if the app has to be dialed first, and switched if the connection has
// become unframed.
func (h *http1Conn) begin(req *h1.Request) outcome {
	from := h.server.probes.ofHTTP1(req)
	e := exchange{
		method: req.Method, probe: from.probe,
		switches: req.Switches(), eventSource: req.EventSource,
		withholds: mayWithholdBody(req, h.requests.Pending()[:req.Size]),
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ledger.full() { // their answers only come once they have been written
		h.mu.Unlock()
		err := h.requests.Flush()
		h.mu.Lock()
		if err != nil {
			return endedBy(err)
		}
	}
	l := &h.life
	for h.ledger.full() && !l.closing && l.states[fromApp] != done {
		h.waitLocked()
	}
	switch {
	case l.closing || l.states[fromApp] == done:
		return outcome{verdict: lastSent}
	case l.states[fromApp] == away:
		return outcome{verdict: detached}
	case h.untilClose: // no response can follow
		h.loseFramingLocked()
		return outcome{verdict: switched}
	}
	h.reconnect.recordLocked(req)
	if e.switches {
		h.protocol = undecided
	}
	if req.Expects && !req.Body.Done() {
		h.request.Store(uint32(headPassed))
	} else {
		h.request.Store(uint32(passing))
	}
	h.ledger.note(from)
	h.pushLocked(e)
	return proceed
}

// noteCheck records a health check that is not relayed.
func (h *http1Conn) noteCheck(req *h1.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ledger.note(h.server.probes.ofHTTP1(req))
}

// copyRequestBody relays the body of a request. The outcome is switched if the connection has
// become unframed before the first byte of the body.
func (h *http1Conn) copyRequestBody(req *h1.Request) outcome {
	if req.Expects && !req.Body.Done() {
		if o := h.awaitBody(); o.stops() {
			return o
		}
	}
	for {
		err := h.requests.CopyBody(&req.Body)
		if err == nil {
			return proceed
		}
		if o := h.retry(fromClient, err); o.stops() {
			return o
		}
	}
}

// awaitSwitch waits, after a request that may switch protocols, until the protocol is decided. If
// the app closes without an answer, the request may be sent again.
func (h *http1Conn) awaitSwitch() outcome {
	for {
		o := h.awaitDecision()
		if o.verdict != stale && !isWrite(o.err) {
			return o
		}
		if o = h.reconnect.replay(o); o.stops() {
			return o
		}
	}
}

// awaitDecision waits until the protocol is decided. The outcome is stale if the app has closed
// without an answer.
func (h *http1Conn) awaitDecision() outcome {
	guess, o := h.forwardUndecided()
	if o.stops() {
		return o
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for h.isUndecidedLocked() && !h.watch.hasEndedLocked() {
		h.waitLocked()
	}
	switch {
	case h.stale:
		return outcome{verdict: stale}
	case h.isUndecidedLocked():
		h.loseFramingLocked() // the app may wait for the client's end
	case h.protocol == http1 && guess == h1.No && !h.life.closing:
		h.loseFramingLocked() // the app has bytes that are no request
	}
	if h.protocol != http1 {
		return outcome{verdict: switched}
	}
	return proceed
}

// isUndecidedLocked reports whether the app has still to decide on the protocol.
func (h *http1Conn) isUndecidedLocked() bool {
	return h.protocol == undecided && h.life.states[fromApp] != done && !h.stale
}

// forwardUndecided relays what the client sends before the protocol is decided, as a direct
// connection would: an app may wait for it. It stops at a request, which must not be relayed behind
// the last response. It returns whether what it has relayed is the beginning of a request.
func (h *http1Conn) forwardUndecided() (guess h1.Guess, o outcome) {
	f := &h.requests
	if err := f.Flush(); err != nil {
		return guess, endedBy(err)
	}
	var line h1.RequestLine
	for seen := 0; h.speaks() == undecided; {
		b := f.Pending()
		guess = line.Next(b[seen:])
		if guess == h1.Yes || len(b) >= h.server.config.MaxHeaderSize {
			break
		}
		seen = len(b)
		if err := f.Forward(); err != nil {
			return guess, endedBy(err)
		}
		if o := h.retry(fromClient, f.Fill()); o.stops() {
			return guess, o
		}
	}
	return guess, proceed
}

// awaitBody waits, after the head of a request, for a body that the client may withhold. The
// outcome is switched if the connection has become unframed.
func (h *http1Conn) awaitBody() outcome {
	f := &h.requests
	for len(f.Pending()) == 0 && h.speaks() != unframed {
		if o := h.retry(fromClient, f.Fill()); o.stops() {
			return o
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.protocol == unframed {
		return outcome{verdict: switched}
	}
	h.ledger.sendBody()
	h.swapProgress(headPassed, passing)
	if h.life.states[fromApp] == done {
		closer{h.conn}.limitRequestsLocked()
	}
	return proceed
}

// finishRequest accounts for a request that has been passed completely. The outcome is lastSent if
// the connection only waited for that.
func (h *http1Conn) finishRequest() outcome {
	if h.swapProgress(passing, idle) {
		return proceed
	}
	if err := h.requests.Flush(); err != nil {
		return endedBy(err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.request.Store(uint32(idle))
	postponed := h.upload != nil && h.upload.postponed
	h.endUploadLocked()
	if h.life.states[fromApp] == done {
		h.lingerLocked()
	}
	if postponed {
		return outcome{verdict: lastSent}
	}
	return proceed
}

// mayWithholdBody reports whether the client of a request with this head may send its next request
// in place of the body.
func mayWithholdBody(req *h1.Request, head []byte) bool {
	return req.Expects && !req.Body.Done() && h1.Persists(head)
}
