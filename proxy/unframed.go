package proxy

import (
	"bytes"
	"errors"
	"time"

	"lameduck/proxy/h1"
)

// There are two reasons why an HTTP/1 connection becomes unframed: from then on, bytes pass in both
// directions without being parsed.
//
// A client that sends Expect: 100-continue waits for a response before it sends the body. If the
// final response comes first (417, 401 or 413, for example) and the connection persists, it is
// unknown what the client sends next: the body, which some clients send all the same, or its next
// request. A guess could confuse the two. This is avoided where possible: after a 100 the body
// follows, a body that has begun must be sent to its end (RFC 9110 section 10.1.1), and if the
// connection ends with the exchange, only the body can follow.
//
// A client may also send bytes that are not a request while a response is outstanding. Clients of
// Icecast, NTRIP and Docker send content without a length in this way. No answer of ours could follow a
// response that ends with the connection. The outstanding responses are still parsed.

// unframedQuiet is the silence after which nothing counts as in flight on an unframed connection.
const unframedQuiet = 5 * time.Second

// An unframedConn relays an unframed connection. An exchange is in flight from the first byte that
// passes until the connection has been silent for unframedQuiet and no answer is owed. This is a
// guess, and only the accounting follows from it.
type unframedConn struct {
	base
	http1 *http1Conn // relays the responses to requests that were parsed

	// Guarded by mu.
	raw   bool // a response has switched protocols, and no further one is parsed
	open  bool // an exchange is accounted for
	later bool // bytes have come behind the last framed response, which is being relayed
	owed  bool // what looks like a request has had no answer yet
	quiet *time.Timer
}

// loseFramingLocked makes the connection unframed.
func (h *http1Conn) loseFramingLocked() {
	h.reconnect.dropLocked()
	h.request.Store(uint32(idle))
	h.unframed = &unframedConn{base: base{h.conn}, http1: h}
	h.protocol, h.relayer = unframed, h.unframed
	h.broadcastLocked()
	h.scheduleNoticeLocked()
}

// passAsContent makes the connection unframed if the pending bytes, in which a request was not found
// because of err, are the content of the last one. It reports whether they are. A line that is no
// request line is content while a response is outstanding. During a response that ends with the
// connection, so is an incomplete line: its client may wait for an answer.
func (h *http1Conn) passAsContent(err error) bool {
	b := h.requests.Pending()
	malformed := errors.Is(err, h1.ErrStartLine)
	if !malformed && (err != nil || len(b) == 0 || bytes.IndexByte(b, '\n') >= 0) {
		return false
	}
	isOther := malformed && !bytes.Contains(b, httpName) // and not a request that is malformed
	h.mu.Lock()
	defer h.mu.Unlock()
	switch l := &h.life; {
	case h.ledger.len() == 0 || l.states[fromApp] != relaying:
		return false
	case !h.untilClose && (!isOther || l.closing):
		return false
	}
	h.loseFramingLocked()
	return true
}

// httpName begins the version in every request line.
var httpName = []byte("HTTP/")

// isOwedFramedLocked reports whether the next response answers a request that was parsed. It may be
// called on a nil unframedConn.
func (u *unframedConn) isOwedFramedLocked() bool {
	return u != nil && !u.raw && !u.open && u.ledger.len() > 0
}

func (u *unframedConn) isOwedFramed() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.isOwedFramedLocked()
}

// relay relays bytes until the source ends, behind the responses that are parsed.
func (u *unframedConn) relay(d direction) outcome {
	if d == fromApp && u.isOwedFramed() {
		return u.http1.relayResponses()
	}
	f := u.flow(d)
	body := h1.TunnelBody()
	for {
		if b := f.Pending(); len(b) > 0 {
			u.note(d, b)
			f.Pass(len(b))
		}
		err := f.More(&body)
		if err == nil && len(f.Pending()) == 0 {
			u.note(d, nil) // they have passed from kernel to kernel
		}
		if o := u.retry(d, err); o.stops() {
			return o
		}
	}
}

// note accounts for bytes that pass, which begin with b.
func (u *unframedConn) note(d direction, b []byte) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if d == fromApp {
		u.owed = false
		u.followLocked(b)
	} else if h1.Recognize(b) == h1.Yes {
		u.owed = true
	}
	u.later = true
	u.accountLocked()
}

// followLocked records whether a clean end would make a part of a response look like the whole: not
// if its head shows its length. The bytes of a response that b continues change nothing.
func (u *unframedConn) followLocked(b []byte) {
	for h1.RecognizeStatus(b) == h1.Yes {
		r, err := h1.ParseResponse(b, h1.Other)
		u.responding = err != nil || r.Size == 0 || r.Body.Kind() == h1.UntilClose
		if err != nil || !r.Interim() {
			return
		}
		b = b[r.Size:]
	}
}

// accountLocked accounts for bytes that have passed, unless the last response that was framed is
// still being relayed.
func (u *unframedConn) accountLocked() {
	if !u.later || u.ledger.len() > 0 && !u.open {
		return
	}
	u.later = false
	if !u.open {
		u.open = true
		u.pushLocked(exchange{})
	}
	if u.quiet == nil {
		u.quiet = time.AfterFunc(unframedQuiet, u.endExchange)
	} else {
		u.quiet.Reset(unframedQuiet)
	}
}

// endExchange ends what is in flight, unless an answer is owed.
func (u *unframedConn) endExchange() {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.open && !u.owed && u.ledger.len() > 0 {
		u.open = false
		u.ledger.pop(0)
	}
}

func (u *unframedConn) idleLocked() bool { return u.ledger.len() == 0 }

func (u *unframedConn) unansweredLocked() (n int) {
	if !u.open {
		n = u.ledger.traffic() // requests that were parsed
	}
	if u.owed {
		n++
	}
	return n
}

func (u *unframedConn) closeLocked() {
	if u.quiet != nil {
		u.quiet.Stop()
	}
}
