package proxy

import (
	"errors"
	"io"
	"time"

	"go.uber.org/zap"

	"lameduck/proxy/pump"
)

// lingerTimeout is how long a connection whose response side has ended may take to end its request side, and how long a
// half-closed one with nothing outstanding may last (RFC 9112 section 9.6: close in stages, so that no RST destroys what the
// client has not read).
const lingerTimeout = 5 * time.Second

// halfCloseTimeout is how long the open direction of a half-closed connection may stay silent while an answer is
// outstanding or in a tunnel. Nobody can tell a slow answer from a lost one, so it is long.
const halfCloseTimeout = 10 * time.Minute

// cutTimeout is what the two sides of a connection that is cut get to close theirs.
const cutTimeout = time.Second

// An ending says what ended a connection.
type ending uint8

const (
	endedOpen     ending = iota // it has not ended
	endedByClient               // the client closed it
	endedByApp                  // the app closed it
	endedTold                   // the client was told to leave with the close option and all was answered
	endedIdle                   // it was idle when the hold had ended
	endedRefused                // it was answered by us: bad framing, or the app did not accept
	endedCut                    // it was cut when time was up
	endings                     // how many there are
)

var endingNames = [endings]string{"open", "client", "app", "told", "idle", "refused", "cut"}

func (e ending) String() string { return endingNames[e] }

// endRequests ends the direction from the client in the way in which err says that it has ended, and goes on reading
// where the client has more to say than is passed on.
func (c *conn) endRequests(err error) {
	switch {
	case err == io.EOF:
		c.endedBy(endedByClient)
		passTruncation(c.client, c.app)
		if !c.finishDirection(fromClient) {
			_ = c.app.CloseWrite()
			c.limitSilence(&c.responses, c.halfCloseLimit())
		}
	case isTimeout(err):
		// Only a connection whose other direction ends too has a deadline.
		if c.cutsShort(fromClient) {
			reset(c.app)
		}
		c.finishDirection(fromClient)
	case isWrite(err) || err == errClosing:
		// The app takes no more. What it has answered is still on its way to the client, and an unread byte would turn
		// our close into an RST that destroys it.
		c.endSurplus()
		c.discardRequests()
		c.finishDirection(fromClient)
	default:
		c.endedBy(endedByClient)
		c.finishDirection(fromClient)
		c.abort()
	}
}

// endResponses ends the direction from the app likewise.
func (c *conn) endResponses(err error) {
	if endedItself(err) {
		c.noteUnanswered()
	}
	switch {
	case err == errClosing:
		c.endedBy(endedByApp)
		c.closeResponses()
		if c.progress() != passing {
			_ = c.app.CloseWrite() // it has answered all that it will be asked
		}
	case err == io.EOF:
		c.endedBy(endedByApp)
		passTruncation(c.app, c.client)
		c.closeResponses()
	case isWrite(err) && !isTimeout(err):
		c.endedBy(endedByClient)
		c.finishDirection(fromApp)
		c.abort()
	default:
		c.endedBy(endedByApp)
		c.logEnd("response cut short", err)
		if c.cutsShort(fromApp) {
			c.finishDirection(fromApp)
			c.abort()
			return
		}
		c.closeResponses()
	}
}

// closeResponses half-closes the client's connection and lets the client close the rest.
func (c *conn) closeResponses() {
	if c.finishDirection(fromApp) {
		return
	}
	_ = c.client.CloseWrite()
	if c.speaks().opaque() {
		c.limitSilence(&c.requests, halfCloseTimeout)
		return
	}
	c.linger()
}

// limitSilence lets the source of f be silent for d at most from now on.
func (c *conn) limitSilence(f *pump.Flow, d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unpark()
	f.Deadline.LimitSilence(d)
}

// linger sets the time until which the client may close its side. A client that sends without end does
// not put that off.
func (c *conn) linger() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.setLinger()
}

// setLinger is linger for a caller that holds mu.
func (c *conn) setLinger() {
	c.unpark()
	c.requests.Deadline.LimitLinger(time.Now().Add(lingerTimeout))
}

// setHeadDeadline sets the time until which the client has to complete a head. The zero time lifts the
// limit.
func (c *conn) setHeadDeadline(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.states[fromApp] == done {
		return // the client has its time to close
	}
	c.unpark()
	c.requests.Deadline.LimitHead(t)
}

// discardRequests reads what the client still sends until it closes or the deadline that closeResponses sets has
// passed.
func (c *conn) discardRequests() {
	for {
		c.requests.Discard()
		if c.retry(fromClient, c.requests.Fill()) != nil {
			return
		}
	}
}

// abort ends both connections with an RST, as the one that is gone did.
func (c *conn) abort() {
	c.mu.Lock()
	client, app := c.client, c.app
	c.unpark()
	c.mu.Unlock()
	reset(client)
	if app != nil {
		reset(app)
	}
}

func reset(c Conn) {
	if l, ok := c.(interface{ SetLinger(seconds int) error }); ok {
		_ = l.SetLinger(0)
	}
	_ = c.Close()
}

// abandon accounts for what was still outstanding when the connection ended.
func (c *conn) abandon() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.leaving != nil {
		c.leaving.Stop()
	}
	for c.outstanding.len() > 0 {
		c.endExchange(c.outstanding.pop(), c.switched)
	}
	c.abandonStreams()
	c.activity.stop()
	c.noteResponse()
	if c.source != nil {
		c.server.sources.Release(c.source)
	}
}

// endedBy notes what ended the connection, unless that is known already.
func (c *conn) endedBy(e ending) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ending == endedOpen {
		c.ending = e
	}
}

// closeIdle closes the connection if nothing is outstanding on it and no request has begun.
func (c *conn) closeIdle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, unsecured := c.client.(*outer)
	if c.app == nil && !unsecured || c.inFlight() > 0 || c.request != nothing || c.closing {
		return
	}
	if c.ending == endedOpen {
		c.ending = endedIdle
	}
	c.endBothLocked()
}

// cut ends the connection and returns how many exchanges were in flight on it, without health probes.
// Every side that receives a part of something is reset. The second call has nothing left to cut.
func (c *conn) cut() (exchanges int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ending == endedCut {
		return 0
	}
	exchanges = c.inFlight() - c.outstanding.probes()
	if c.ending == endedOpen || c.inFlight() > 0 {
		c.ending = endedCut
	}
	c.endBothLocked()
	return exchanges
}

// endBothLocked resets each side that has received only a part of something, and half-closes the others,
// which get a moment to close their side too.
func (c *conn) endBothLocked() {
	c.closing = true
	c.limitTime(cutTimeout)
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
// something: a message, an HTTP/2 stream, the bytes of a tunnel. A clean end would make the part look
// like the whole if its length is not known, and a reset never does.
func (c *conn) receivesPartLocked(d direction) bool {
	switch {
	case c.states[d] == done:
		return false
	case d == fromApp && c.responding: // also to nothing that was asked
		return true
	}
	return c.inFlight() > 0
}

// cutsShort reports whether the end of a direction has to be a reset, because its destination has only a
// part and its protocol does not show that. WebSocket does: it ends with a close frame.
func (c *conn) cutsShort(d direction) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.receivesPartLocked(d) && c.protocol != websocket
}

// hurry gives the connection d to end, and nobody puts that off any more.
func (c *conn) hurry(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.limitTime(d)
}

// limitTime is hurry for a caller that holds mu.
func (c *conn) limitTime(d time.Duration) {
	c.unpark()
	c.hurried = true
	deadline := time.Now().Add(d)
	c.requests.Deadline.LimitAll(deadline)
	c.responses.Deadline.LimitAll(deadline)
	for _, side := range []Conn{c.client, c.app} {
		if side != nil {
			_ = side.SetWriteDeadline(deadline)
		}
	}
}

// logEnd logs an end that is not an ordinary one.
func (c *conn) logEnd(message string, err error) {
	if err == nil || isOrdinary(err) || errors.Is(err, io.EOF) {
		return
	}
	if entry := c.server.log.Check(zap.WarnLevel, message); entry != nil {
		entry.Write(zap.Stringer("client", c.client.RemoteAddr()), zap.Error(err))
	}
}
