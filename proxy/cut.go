package proxy

import "lameduck/proxy/tlsterm"

// closeIdle closes the connection if nothing is outstanding on it and no request has begun, not
// even in the kernel. While bytes are being read, which may be a request, it does nothing and returns
// false, unless force is set.
func (c closer) closeIdle(force bool) (decided bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, handshaking := c.client.(*tlsterm.Raw)
	switch {
	case c.app == nil && !handshaking, c.life.closing:
		return true
	case c.inFlightLocked() > 0 || c.progress() != idle, hasUnread(c.client):
		return true
	case !force && c.requests.Reading(): // asked last: what is not in the kernel any more has been read
		return false
	}
	c.life.end(endedIdle)
	c.endBothLocked()
	return true
}

// cut ends the connection and returns how many exchanges were in flight on it, not counting health
// probes. It resets each side that has received only a part of something. A second call does
// nothing.
func (c closer) cut() (exchanges int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.life.ending == endedCut {
		return 0
	}
	exchanges = c.ledger.traffic() + c.relayer.streamsLocked() + c.upload.traffic()
	if c.life.ending == endedOpen || c.inFlightLocked() > 0 {
		c.life.ending = endedCut
	}
	c.endBothLocked()
	return exchanges
}

// endBothLocked resets each side that has received only a part of something, and half-closes the
// others, which get a moment to close their side too.
func (c closer) endBothLocked() {
	c.life.closing = true
	c.limitAllLocked(cutTimeout)
	for _, d := range []direction{fromClient, fromApp} {
		switch to := c.side(1 - d); {
		case to == nil:
		case c.receivesPartLocked(d):
			reset(to)
		default:
			_ = to.CloseWrite()
		}
	}
}

// receivesPartLocked reports whether the destination of a direction has received only a part of
// something: a message, an HTTP/2 stream, the bytes of a tunnel. If the length is unknown, a clean
// end would make the part look like the whole; a reset never does.
func (c closer) receivesPartLocked(d direction) bool {
	switch {
	case c.life.states[d] == done:
		return false
	case d == fromApp:
		return c.responding || c.unfinishedLocked() > 0 // also of a surplus
	}
	return c.inFlightLocked() > 0
}
