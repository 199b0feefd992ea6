package proxy

import (
	"errors"
	"io"
	"time"

	"lameduck/proxy/pump"
	"lameduck/proxy/tlsterm"
)

// A closer propagates the end of one side of a connection to the other side.
type closer struct{ *conn }

// endRequests ends the direction from the client: it propagates the end to the app, and drains what
// the client still sends if the app accepts no more.
func (c closer) endRequests(o outcome) {
	switch err := o.err; {
	case errors.Is(err, pump.ErrOverBudget):
		c.endOverBudget(fromClient)
	case o.verdict == ended && err == io.EOF:
		c.endBy(endedByClient)
		tlsterm.PassTruncation(c.client, c.app)
		if !c.endDirection(fromClient) {
			_ = c.app.CloseWrite()
			c.limitSilence(&c.responses, c.halfCloseLimit())
		}
	case o.verdict == ended && isTimeout(err):
		// A connection has a deadline only if its other direction is ending too.
		if c.cutsShort(fromClient) {
			reset(c.app)
		}
		c.endDirection(fromClient)
	case o.verdict == lastSent || isWrite(err):
		// The app's last response is still on its way to the client. If a byte from the client were
		// left unread, our close would become an RST, which destroys the response.
		c.interruptSurplus()
		c.beginDiscarding()
		c.discardRequests()
		c.endDirection(fromClient)
	default:
		c.endReset()
	}
}

// endReset ends a connection whose client has reset it.
func (c closer) endReset() {
	c.endBy(endedByClient)
	c.endWithReset(fromClient)
}

// endResponses ends the direction from the app: it propagates the end to the client.
func (c closer) endResponses(o outcome) {
	if o.verdict == ended && isOfApp(o.err) {
		c.countUnanswered()
		c.suspectRestart()
	}
	switch err := o.err; {
	case o.verdict == lastSent && c.postponeEnd():
		c.endBy(endedByApp)
	case o.verdict == lastSent:
		c.endBy(endedByApp)
		c.closeResponses()
		if !c.progress().isRelaying() {
			_ = c.app.CloseWrite() // it has answered every request that it gets
		}
	case err == io.EOF:
		c.endBy(endedByApp)
		tlsterm.PassTruncation(c.app, c.client)
		c.closeResponses()
	case errors.Is(err, pump.ErrOverBudget):
		c.endOverBudget(fromApp)
	case isWrite(err) && !isTimeout(err):
		c.endBy(endedByClient)
		c.endWithReset(fromApp)
	default:
		c.endBy(endedByApp)
		c.logEnd("response cut short", err)
		if c.cutsShort(fromApp) || isReset(err) && c.speaks() == unknown {
			c.endWithReset(fromApp)
			return
		}
		c.endUpload() // the app takes no more
		c.closeResponses()
	}
}

// endOverBudget resets a connection that holds too much for a slow peer, so that the part that the
// peer has received does not look complete.
func (c closer) endOverBudget(d direction) {
	c.endBy(endedRefused)
	c.endWithReset(d)
}

// endWithReset ends a direction and resets both connections, in one step: once the other direction
// sees that this one has ended, it can no longer half-close a connection, which would make a part
// look like the whole.
func (c closer) endWithReset(d direction) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.abortLocked()
	c.endDirectionLocked(d)
}

// endDirection records that a direction has ended, and reports whether the other one had ended
// before.
func (c closer) endDirection(d direction) (last bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.endDirectionLocked(d)
}

func (c closer) endDirectionLocked(d direction) (last bool) {
	c.life.states[d] = done
	if d == fromClient {
		c.endUploadLocked()
		c.endAwayLocked()
	}
	c.broadcastLocked()
	return c.life.states[1-d] == done
}

// endAwayLocked ends the direction from an app that is detached, which has no goroutine that could. The
// direction from the client has ended or discards, so the app cannot be detached afterwards.
func (c closer) endAwayLocked() {
	if c.life.states[fromApp] == away {
		c.life.states[fromApp] = done
		c.life.left++
	}
}

// closeResponses half-closes the client's connection, and leaves the rest to the client.
func (c closer) closeResponses() {
	if c.endDirection(fromApp) {
		return
	}
	_ = c.client.CloseWrite()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.limitRequestsLocked()
}

// postponeEnd ends the response side of a connection that we close. If the client is uploading, it
// leaves the close to the direction from the client, because some clients abort an upload when they
// see a FIN.
func (c closer) postponeEnd() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.upload == nil || !c.upload.framed {
		return false
	}
	c.upload.postponed = true
	c.life.states[fromApp] = done
	c.broadcastLocked()
	c.limitRequestsLocked()
	return true
}

// endUpload ends an upload that is no longer relayed.
func (c closer) endUpload() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.endUploadLocked()
}

// limitRequestsLocked limits the direction from the client now that the other one has ended. As
// long as the app receives what the client sends, it may stand still for a limited time. Otherwise
// the client has a limited time to close.
func (c closer) limitRequestsLocked() {
	c.unparkLocked()
	deadline := &c.requests.Deadline
	switch {
	case c.life.states[fromClient] == discarding:
		c.lingerLocked()
	case c.protocol.opaque():
		deadline.LimitSilence(halfCloseTimeout)
	case c.protocol == unknown:
		deadline.LimitSilence(openingTimeout)
	case c.protocol == unframed:
		deadline.LimitSilence(uploadTimeout)
	case c.protocol > undecided:
		deadline.LimitSilence(lingerTimeout)
	case c.upload != nil:
		deadline.LimitLinger(time.Time{})
		c.watchUploadLocked()
	case c.swapProgress(passing, outlasting): // the app ends before or within its answer
		deadline.LimitLinger(time.Time{})
		c.upload = new(upload)
		c.watchUploadLocked()
	default:
		c.lingerLocked()
	}
}

// watchUploadLocked lets the upload continue after the end of the response side, until it stands
// still.
func (c closer) watchUploadLocked() {
	u := c.upload
	u.stall.looks(c.requests.Moved())
	u.timer = time.AfterFunc(uploadTick, func() { c.checkUpload(u) })
}

// checkUpload ends the connection if an upload has stood still for too long.
func (c closer) checkUpload(u *upload) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.upload != u: // it has ended
	case u.stall.looks(c.requests.Moved()) >= int(uploadTimeout/uploadTick):
		c.limitAllLocked(0)
	default:
		u.timer.Reset(uploadTick)
	}
}

// beginDiscarding ends the direction from the client, as far as the app is concerned. If the other
// direction has ended and left the connection open, it closes the connection in stages.
func (c closer) beginDiscarding() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.life.states[fromClient] = discarding
	c.request.Store(uint32(idle))
	c.endUploadLocked()
	c.endAwayLocked()
	if c.life.states[fromApp] != done {
		return
	}
	c.lingerLocked()
	_ = c.client.CloseWrite()
	_ = c.app.CloseWrite()
}

// discardRequests reads what the client still sends, until it closes or its deadline has passed.
func (c closer) discardRequests() {
	for {
		c.requests.Discard()
		if c.retry(fromClient, c.requests.Fill()).stops() {
			return
		}
	}
}

// countUnanswered counts, while draining, the exchanges that an app leaves unanswered by ending the
// connection. Exchanges that the client has given up, or that we have cut or refused, are not
// counted.
func (c closer) countUnanswered() {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := &c.life
	if c.server.draining() && l.states[fromClient] != done && (l.ending == endedOpen || l.ending == endedDrain) {
		c.server.stats.drainUnanswered.Add(uint64(c.relayer.unansweredLocked()))
	}
}

// suspectRestart forgets which protocol the app speaks if the app has ended the connection without
// a response: it may be restarting as another program.
func (c closer) suspectRestart() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.relayer.unansweredLocked() > 0 {
		c.route.tls.Forget()
	}
}

// cutsShort reports whether the end of a direction has to be a reset, because its destination has
// received only a part and the protocol does not show that. WebSocket does, with its close frame.
func (c closer) cutsShort(d direction) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.receivesPartLocked(d) && c.protocol != websocket
}

// halfCloseLimit returns how long the app may be silent when the client has ended its side.
func (c closer) halfCloseLimit() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.inFlightLocked() > 0 || c.protocol == tunnel:
		return halfCloseTimeout
	case c.protocol == unknown || c.progress() != idle:
		return openingTimeout
	}
	return lingerTimeout
}

// interruptSurplus ends a surplus that the app is sending, see surplus.go.
func (c closer) interruptSurplus() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.life.states[fromApp] == surplus {
		c.interruptLocked(fromApp)
	}
}
