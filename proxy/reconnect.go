package proxy

import (
	"errors"

	"lameduck/proxy/h1"
	"lameduck/proxy/pump"
)

// An app that closes connections after a short idle time meets the requests of load balancers that
// keep theirs for longer: the classic 502. With Config.KeepClient the client does not see such a
// close. The direction from the app is detached. The direction from the client is then the sole
// owner of the app connection, and dials again for the next request. A request that had been sent
// before the close was seen is sent again if that is safe.

// detach detaches the direction from the app, if the client need not see the app's end with err.
func (r *reconnect) detach(err error) bool {
	if r == nil || !isEnd(err) || len(r.responses.Pending()) > 0 {
		return false
	}
	r.responses.Release()
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.mayDetachLocked() {
		return false
	}
	r.unparkLocked()
	_ = r.app.Close()
	r.life.states[fromApp] = away
	r.broadcastLocked()
	if r.ledger.len() > 0 {
		r.stale = true
		r.interruptLocked(fromClient)
	}
	return true
}

// mayDetachLocked reports whether the client need not see the app's end: between two messages in
// both directions, or if the one outstanding request may be sent again. On a connection on which
// nothing has been sent, the client may be waiting for the app to speak first.
func (r *reconnect) mayDetachLocked() bool {
	switch l := &r.life; {
	case l.closing || l.final || l.states[fromClient] >= discarding:
		return false
	case r.protocol != http1 && r.protocol != undecided:
		return false
	case r.ledger.len() == 0:
		// While a request is being relayed, the rest of an early answered body is under way.
		return !r.closes && !r.progress().isRelaying()
	}
	return r.ledger.len() == 1 && r.copy != nil
}

// recordLocked records whether the next request may be sent again, and whether the connection ends
// with it.
func (r *reconnect) recordLocked(req *h1.Request) {
	if r == nil {
		return
	}
	r.dropLocked()
	head := r.requests.Pending()
	if r.ledger.len() == 0 && r.reused && !r.closes && h1.Idempotent(head) {
		r.copyLocked(req)
	}
	r.notePersistenceLocked(head[:req.Size])
}

// copyLocked copies a request that is completely buffered. It is the only one outstanding, on a
// connection that may be stale, and it is idempotent (RFC 9110 section 9.2.2).
func (r *reconnect) copyLocked(req *h1.Request) {
	pending, body := r.requests.Pending(), req.Body
	n, err := body.Scan(pending[req.Size:])
	size := req.Size + n
	if err != nil || !body.Done() || size > pump.BufferSize {
		return
	}
	r.copy, r.size = pump.NewBuffer(), size
	copy(r.copy.Bytes, pending[:size])
}

// dropLocked drops the copy: the request must no longer be sent again.
func (r *reconnect) dropLocked() {
	if r != nil && r.copy != nil {
		r.copy.Free()
		r.copy = nil
	}
}

// notePersistenceLocked records whether the message with this head is the last one of its
// connection.
func (r *reconnect) notePersistenceLocked(head []byte) {
	if r != nil && !h1.Persists(head) {
		r.closes = true
	}
}

// noteAnswerLocked records that the app's connection has answered a request.
func (r *reconnect) noteAnswerLocked() {
	if r != nil {
		r.reused = true
	}
}

// reattach dials the app again if it is detached, before another request. A request that the close has
// left unanswered is sent again first.
func (r *reconnect) reattach() outcome {
	switch {
	case r == nil || !r.isDetached():
		return proceed
	case r.isStale(): // since it was detached
		_ = r.requests.Flush() // the app has closed: this drops what replay writes again
		return r.replay(outcome{verdict: stale})
	}
	return r.redial(arriving)
}

// redial dials the app again if it is detached. The connection does not count as idle in the
// meantime. If the dial fails, redial answers the request, whose progress is p.
func (r *reconnect) redial(p progress) outcome {
	if r == nil || !r.isDetached() {
		return proceed
	}
	r.setProgress(arriving)
	app, err := appLink{r.conn}.dial()
	if err != nil {
		r.setProgress(p)
		return r.unavailable(err)
	}
	if !r.attach(app) {
		return outcome{verdict: lastSent}
	}
	r.server.stats.redials.Add(1)
	go r.run(fromApp)
	return proceed
}

func (r *reconnect) isDetached() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.life.states[fromApp] == away
}

// attach makes app the new app connection. It returns false if the connection has been closed
// meanwhile.
func (r *reconnect) attach(app Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.life.closing || r.life.final {
		_ = app.Close()
		return false
	}
	r.attachLocked(app)
	r.life.states[fromApp] = relaying
	r.parking.interrupted[fromApp] = false
	r.reused = false
	return true
}

// replay sends the outstanding request again if o, the outcome of a read or write, shows that the
// app has closed without a response. Otherwise it returns o.
func (r *reconnect) replay(o outcome) outcome {
	if r == nil || o.verdict != stale && !isWrite(o.err) || errors.Is(o.err, pump.ErrOverBudget) {
		return o
	}
	request, size, between := r.awaitStale()
	switch {
	case between:
		return proceed // only empty lines in front of the next request are lost
	case request == nil:
		return o
	}
	defer request.Free()
	if o := r.redial(passing); o.stops() {
		return o
	}
	r.setProgress(idle)
	r.server.stats.resent.Add(1)
	return endedBy(r.requests.Write(request.Bytes[:size]))
}

// awaitStale waits until the app's close has been seen, and returns the request to send again, or
// nil if there is none. between reports that the app has been detached between two requests.
func (r *reconnect) awaitStale() (request *pump.Buffer, size int, between bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for (r.copy != nil || r.ledger.len() == 0) && r.life.states[fromApp] == relaying {
		r.waitLocked()
	}
	if !r.stale {
		return nil, 0, r.life.states[fromApp] == away && r.ledger.len() == 0
	}
	r.clearInterruptLocked(fromClient)
	request, r.copy, r.stale = r.copy, nil, false
	return request, r.size, false
}

// unavailable answers a request for which the app could not be dialed again.
func (r *reconnect) unavailable(err error) outcome {
	if err == errClientLeft || r.server.appGone() {
		return endedBy(err)
	}
	r.logEnd("app not reached", err)
	return r.refuse(answerUnavailable)
}

func (h *http1Conn) closeLocked() { h.reconnect.dropLocked() }

// isStale reports whether the app has closed without answering the outstanding request.
func (r *reconnect) isStale() bool {
	if r == nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stale
}
