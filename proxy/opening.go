package proxy

import (
	"errors"
	"io"
	"time"

	"lameduck/lifecycle/silence"
	"lameduck/proxy/h1"
	"lameduck/proxy/pp"
	"lameduck/proxy/pump"
)

// An openingConn relays a connection whose protocol is unknown, and detects that.
//
// Detection delays nothing and refuses nothing. Undecided bytes are relayed at once in both
// directions, as a direct connection would deliver them. They stay buffered, so that the next
// relayer sees a message from its beginning.
type openingConn struct {
	base

	// Guarded by mu.
	sent [2]bool // the directions have relayed undecided bytes
}

// relay implements [relayer].
func (o *openingConn) relay(d direction) outcome {
	if d == fromClient {
		return o.relayClient()
	}
	return o.relayApp()
}

func (o *openingConn) idleLocked() bool { return o.streamsLocked() == 0 && o.progress() == idle }

// streamsLocked returns 1 if undecided bytes have been relayed: their sender may consider them a
// complete message and wait for an answer.
func (o *openingConn) streamsLocked() int {
	if o.sent != [2]bool{} {
		return 1
	}
	return 0
}

func (o *openingConn) closeLocked() {
	if o.streamsLocked() > 0 {
		o.sent = [2]bool{}
		o.ledger.endUndecided()
	}
}

// relayClient relays what the client begins with.
func (o *openingConn) relayClient() outcome {
	f := &o.requests
	if o.route.Proxied {
		if out := o.relayProxyHeader(); out.stops() {
			return o.endClient(out)
		}
	}
	var line h1.RequestLine
	seen := 0 // bytes that line has taken
	for o.speaks() == unknown {
		if n := h1.EmptyLines(f.Pending()); n > 0 {
			f.Pass(n) // they mean nothing, in front of a request line or at all
			line, seen = h1.RequestLine{}, 0
		}
		if b := f.Pending(); len(b) > 0 {
			switch p := o.route.recognize(b, line.Next(b[seen:])); {
			case p != unknown:
				return o.settle(p)
			case len(b) >= o.server.config.MaxHeaderSize:
				return o.settle(tcp) // it would be too long for a request
			}
			seen = len(b)
			o.noteUndecided(fromClient)
		}
		if out := o.readStart(); out.stops() {
			return o.endClient(out)
		}
	}
	return o.settle(tcp)
}

// relayProxyHeader relays the header of the PROXY protocol, which comes before the client's first
// byte.
func (o *openingConn) relayProxyHeader() outcome {
	f := &o.requests
	for !o.sniffing.proxyHeaderDone {
		if size, ok := pp.Size(f.Pending()); ok && size <= len(f.Pending()) {
			f.Pass(size)
			o.sniffing.proxyHeaderDone = true
			if size > 0 {
				o.noteProxy()
			}
			o.setProgress(idle)
			o.setHeadDeadline(time.Time{})
			continue
		}
		if out := o.readStart(); out.stops() {
			return out
		}
	}
	return proceed
}

// noteProxy records that the client speaks the PROXY protocol.
func (o *openingConn) noteProxy() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ledger.raiseClass(silence.Proxy)
}

// readStart relays the pending bytes and reads more: without a limit if none are pending, and
// otherwise within the time that a head may take from its first byte on.
func (o *openingConn) readStart() outcome {
	f := &o.requests
	if len(f.Pending()) == 0 {
		return o.await(fromClient)
	}
	if err := f.Forward(); err != nil {
		return endedBy(err)
	}
	if o.progress() != arriving {
		o.setProgress(arriving)
		if timeout := o.server.config.HeaderTimeout; timeout > 0 {
			o.setHeadDeadline(time.Now().Add(timeout))
		}
	}
	return o.retry(fromClient, f.Fill())
}

// endClient ends the direction from the client. Bytes that have not become a request by then are
// TCP, and so is the answer to them.
func (o *openingConn) endClient(out outcome) outcome {
	switch {
	case out.verdict != ended || len(o.requests.Pending()) == 0:
	case isTimeout(out.err) && !isWrite(out.err) && !o.isClosing(), errors.Is(out.err, pump.ErrOverBudget):
		return o.settle(tcp) // which holds nothing
	case out.err == io.EOF:
		o.settle(tcp)
	}
	return out
}

// relayApp relays what the app sends before the protocol is known.
func (o *openingConn) relayApp() outcome {
	f := &o.responses
	for {
		if len(f.Pending()) > 0 {
			if out := o.settleByApp(); out.stops() {
				return out
			}
			if err := f.Forward(); err != nil {
				return endedBy(err)
			}
		}
		if out := o.awaitMore(fromApp); out.stops() {
			return o.endApp(out)
		}
	}
}

// awaitMore waits for bytes, where some may be pending.
func (o *openingConn) awaitMore(d direction) outcome {
	if f := o.flow(d); len(f.Pending()) > 0 {
		return o.retry(d, f.Fill())
	}
	return o.await(d)
}

// settleByApp settles the protocol if the app's first bytes reveal it. A status line in response to
// undecided bytes is not HTTP, because they are not.
func (o *openingConn) settleByApp() outcome {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.protocol != unknown {
		return outcome{verdict: switched}
	}
	p := o.route.recognizeApp(o.responses.Pending())
	if p == unknown {
		o.noteUndecidedLocked(fromApp)
		return proceed
	}
	if p == http1 && o.sent[fromClient] {
		p = tcp
	}
	o.settleLocked(p)
	return outcome{verdict: switched}
}

// endApp ends the direction from the app. An app that has answered undecided bytes with its end may
// still read.
func (o *openingConn) endApp(out outcome) outcome {
	if h, ok := o.current().(*http1Conn); ok {
		return h.endOfResponses(out) // the client has begun a request at this moment
	}
	if out.verdict == ended && out.err == io.EOF {
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.protocol == unknown && o.streamsLocked() > 0 {
			o.settleLocked(tcp)
		}
	}
	return out
}

// settle settles the protocol by what the client has sent, if it is still unknown. A request after
// undecided bytes of the app, or after its end, is not HTTP either: the app cannot answer it.
func (o *openingConn) settle(p protocol) outcome {
	o.mu.Lock()
	defer o.mu.Unlock()
	if p == http1 && (o.sent[fromApp] || o.life.states[fromApp] == done) {
		p = tcp
	}
	o.request.Store(uint32(idle))
	o.requests.Deadline.LimitHead(time.Time{})
	if o.protocol == unknown {
		o.settleLocked(p)
	}
	return outcome{verdict: switched}
}

// settleLocked settles the protocol. If one side has ended, the other one has the time from now on
// that a half-closed TCP connection gives it.
func (o *openingConn) settleLocked(p protocol) {
	o.closeLocked()
	o.speakLocked(p)
	for d := range o.life.states {
		if p == tcp && o.life.states[1-d] == done {
			o.flow(direction(d)).Deadline.LimitSilence(halfCloseTimeout)
		}
	}
}

// noteUndecided records that a direction relays undecided bytes.
func (o *openingConn) noteUndecided(d direction) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.protocol == unknown {
		o.noteUndecidedLocked(d)
	}
}

func (o *openingConn) noteUndecidedLocked(d direction) {
	if o.streamsLocked() == 0 {
		o.ledger.beginUndecided()
	}
	o.sent[d] = true
	o.used.Store(true)
	o.unparkLocked()
}
