package proxy

import (
	"io"
	"sync/atomic"

	"lameduck/proxy/h1"
	"lameduck/proxy/pump"
)

// An http1Conn relays HTTP/1, and detects the protocol of a connection on which nothing has been sent.
//
// A drain changes one place: takeResponseLocked decides which response gets the close option, and
// begin refuses to relay the requests behind it.
type http1Conn struct {
	*conn
	reconnect *reconnect    // nil if the app's close is propagated
	request   atomic.Uint32 // progress of the next or current request; set by relayRequests

	// Guarded by mu.
	responding bool          // a final response is being relayed
	answering  bool          // relayRequests is about to answer in its turn
	refused    bool          // its turn has come: no further response of the app's is relayed
	events     bool          // the response that is being relayed is an event stream
	unframed   *unframedConn // nil unless the connection is unframed
}

func (h *http1Conn) init(c *conn) {
	h.conn = c
	if s, r := c.server, c.route; s.config.KeepClient && !r.Proxied && !r.AppTLS {
		h.reconnect = &reconnect{http1Conn: h}
	}
}

// A progress is how far a request has come.
type progress uint32

const (
	idle     progress = iota // no byte of it has come; leads to arriving and passing
	arriving                 // a part of its head has come; leads to passing, and to idle if it was an empty line
	passing                  // it is outstanding and being relayed; its end leads to idle
)

func (h *http1Conn) progress() progress { return progress(h.request.Load()) }

// setProgress records how far a request has come, and keeps the connection from being parked.
func (c *conn) setProgress(p progress) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.http1.request.Store(uint32(p))
	c.unparkLocked()
}

// relay implements [relayer].
func (h *http1Conn) relay(d direction) outcome {
	switch {
	case d == fromApp:
		return h.relayResponses()
	case h.speaks() == unknown:
		return h.sniff()
	}
	return h.relayRequests()
}

func (h *http1Conn) idleLocked() bool {
	return h.protocol != undecided && h.ledger.len() == 0 && h.progress() == idle
}

func (h *http1Conn) streamsLocked() int    { return 0 }
func (h *http1Conn) unansweredLocked() int { return h.ledger.traffic() }
func (h *http1Conn) closeLocked()          { h.reconnect.dropLocked() }

// relayRequests relays requests until the client has no more, or nothing more may be relayed.
func (h *http1Conn) relayRequests() outcome {
	f := &h.requests
	for {
		req, o := h.readRequest()
		if o.stops() {
			return h.refuseRequest(o)
		}
		if h.server.failsHealthCheck(&req) {
			return h.refuse(answerDraining)
		}
		if o := h.reconnect.redial(arriving); o.stops() {
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
		h.request.Store(uint32(idle))
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

// readRequest waits for the complete head of the next request. Its first byte may take any time; from
// then on the header timeout runs. Empty lines before the head are relayed as they come.
func (h *http1Conn) readRequest() (h1.Request, outcome) {
	f := &h.requests
	for {
		f.Pass(h1.EmptyLines(f.Pending()))
		req, err := h1.ParseRequest(f.Pending())
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
	err := h.limitHead(func() error { return fillHead(&h.requests) })
	if h1.EmptyLines(h.requests.Pending()) > 0 {
		h.setProgress(idle)
	}
	if (isTimeout(err) || err == errHeadTimeout) && h.reconnect.isStale() {
		return outcome{verdict: stale}
	}
	return endedBy(err)
}

// fillHead reads until f holds a complete head or an empty line.
func fillHead(f *pump.Flow) error {
	for {
		searched := len(f.Pending())
		if searched >= h1.MaxHead {
			return h1.ErrHeadTooLarge
		}
		if err := f.Fill(); err != nil {
			return err
		}
		if h1.HeadEnd(f.Pending(), searched) > 0 || h1.EmptyLines(f.Pending()) > 0 {
			return nil
		}
	}
}

// begin accounts for a request before its first byte is relayed. The outcome is lastSent if it must not
// be relayed, and detached if the app has to be dialed first.
func (h *http1Conn) begin(req *h1.Request) outcome {
	e := exchange{
		method: req.Method, probe: h.server.probes.match(req),
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
	}
	h.reconnect.recordLocked(req)
	if e.switches {
		h.protocol = undecided
	}
	h.request.Store(uint32(passing))
	h.pushLocked(e)
	return proceed
}

// copyRequestBody relays the body of a request. The outcome is switched if the connection has become
// unframed before the first byte of the body.
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

// awaitSwitch waits, behind a request that may switch protocols, until the client sends more, and then
// until the protocol is decided. It reads in the meantime, so that it notices a client that goes away.
func (h *http1Conn) awaitSwitch() outcome {
	f := &h.requests
	if err := f.Flush(); err != nil {
		return endedBy(err)
	}
	for len(f.Pending()) == 0 && h.speaks() == undecided {
		if o := h.retry(fromClient, f.Fill()); o.stops() {
			return o
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for h.protocol == undecided && h.life.states[fromApp] != done {
		h.waitLocked()
	}
	if h.protocol != http1 {
		return outcome{verdict: switched}
	}
	return proceed
}

// refuseRequest ends the direction from the client: with an answer of ours if the request is at fault,
// otherwise as a direct connection would.
func (h *http1Conn) refuseRequest(o outcome) outcome {
	switch a := refusal(o.err); {
	case o.verdict != ended:
	case a != "":
		h.logRefusal(o.err)
		return h.refuse(a)
	case o.err == io.EOF && len(h.requests.Pending()) > 0:
		// The client has sent a part of a head and ended. The app sees just that.
		h.requests.Pass(len(h.requests.Pending()))
		if err := h.requests.Flush(); err != nil {
			return endedBy(err)
		}
	}
	return o
}
