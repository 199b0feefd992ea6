package proxy

import (
	"errors"
	"io"
	"time"

	"go.uber.org/zap"

	"lameduck/proxy/pump"
)

// lingerTimeout is how long a connection whose response side has ended may take to end its request side,
// and how long a half-closed one with nothing outstanding may last. RFC 9112 section 9.6: a server
// closes in stages, so that no RST destroys what the client has not read.
const lingerTimeout = 5 * time.Second

// halfCloseTimeout is how long the open direction of a half-closed connection may be silent while an
// answer is outstanding or in a tunnel. A slow answer cannot be told from a lost one, so it is long.
const halfCloseTimeout = 10 * time.Minute

// cutTimeout is how long the two sides of a connection that is cut may take to close theirs.
const cutTimeout = time.Second

// An ending is what ended a connection.
type ending uint8

const (
	endedOpen     ending = iota // it has not ended
	endedByClient               // the client closed it
	endedByApp                  // the app closed it
	endedDrain                  // the client was asked to disconnect, and everything was answered
	endedIdle                   // it was idle when the hold had ended
	endedRefused                // we answered: bad framing, or the app did not accept
	endedCut                    // it was cut when time was up
	endings                     // the number of endings
)

var endingNames = [endings]string{"open", "client", "app", "drain", "idle", "refused", "cut"}

func (e ending) String() string { return endingNames[e] }

// A lifetime is how far a connection has come to its end. It is guarded by conn.mu.
type lifetime struct {
	ending  ending
	states  [2]state
	left    int  // directions whose goroutine has ended for good
	closing bool // no further request is relayed
	final   bool // the deadlines are final
}

// end records what ended the connection, unless that is known.
func (l *lifetime) end(e ending) {
	if l.ending == endedOpen {
		l.ending = e
	}
}

// endRequests ends the direction from the client: it propagates the end to the app, and drains what the
// client still sends if the app accepts no more.
func (c *conn) endRequests(o outcome) {
	switch err := o.err; {
	case o.verdict == ended && err == io.EOF:
		c.endBy(endedByClient)
		passTruncation(c.client, c.app)
		if !c.endDirection(fromClient) {
			_ = c.app.CloseWrite()
			c.limitSilence(&c.responses, c.halfCloseLimit())
		}
	case o.verdict == ended && isTimeout(err):
		// Only a connection whose other direction ends too has a deadline.
		if c.cutsShort(fromClient) {
			reset(c.app)
		}
		c.endDirection(fromClient)
	case o.verdict == lastSent || isWrite(err):
		// The app's last answer is still on its way to the client. A byte of the client that nobody reads
		// would turn our close into an RST that destroys it.
		c.interruptSurplus()
		c.discardRequests()
		c.endDirection(fromClient)
	default:
		c.endBy(endedByClient)
		c.endDirection(fromClient)
		c.abort()
	}
}

// endResponses ends the direction from the app: it propagates the end to the client.
func (c *conn) endResponses(o outcome) {
	if o.verdict == ended && isOfApp(o.err) {
		c.countUnanswered()
	}
	switch err := o.err; {
	case o.verdict == lastSent:
		c.endBy(endedByApp)
		c.closeResponses()
		if c.http1.progress() != passing {
			_ = c.app.CloseWrite() // it has answered every request that it gets
		}
	case err == io.EOF:
		c.endBy(endedByApp)
		passTruncation(c.app, c.client)
		c.closeResponses()
	case isWrite(err) && !isTimeout(err):
		c.endBy(endedByClient)
		c.endDirection(fromApp)
		c.abort()
	default:
		c.endBy(endedByApp)
		c.logEnd("response cut short", err)
		if c.cutsShort(fromApp) {
			c.endDirection(fromApp)
			c.abort()
			return
		}
		c.closeResponses()
	}
}

// closeResponses half-closes the client's connection, and lets the client close the rest.
func (c *conn) closeResponses() {
	if c.endDirection(fromApp) {
		return
	}
	_ = c.client.CloseWrite()
	if c.speaks().opaque() {
		c.limitSilence(&c.requests, halfCloseTimeout)
		return
	}
	c.linger()
}

// endDirection records that a direction has ended, and reports whether the other one had ended before.
func (c *conn) endDirection(d direction) (last bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.life.states[d] = done
	c.broadcastLocked()
	return c.life.states[1-d] == done
}

// lastToEnd records that the goroutine of a direction ends for good, and reports whether it is the last.
func (c *conn) lastToEnd() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.life.left++
	return c.life.left == len(c.life.states)
}

// endBy records what ended the connection, unless that is known.
func (c *conn) endBy(e ending) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.life.end(e)
}

func (c *conn) isClosing() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.life.closing
}

// halfCloseLimit returns how long the app may be silent when the client has ended its side.
func (c *conn) halfCloseLimit() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inFlightLocked() > 0 || c.protocol == tunnel {
		return halfCloseTimeout
	}
	return lingerTimeout
}

// limitSilence limits the time from one byte to the next of a flow's source, beginning now.
func (c *conn) limitSilence(f *pump.Flow, d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unparkLocked()
	f.Deadline.LimitSilence(d)
}

// linger limits the time until the client closes its side. A client that keeps sending does not extend it.
func (c *conn) linger() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lingerLocked()
}

func (c *conn) lingerLocked() {
	c.unparkLocked()
	c.requests.Deadline.LimitLinger(time.Now().Add(lingerTimeout))
}

// errHeadTimeout says that the client has begun a head and not completed it in time.
var errHeadTimeout = errors.New("head not complete in time")

// limitHead gives a read from the client the time that a head may take. It returns errHeadTimeout if the
// read has failed because that is over.
func (c *conn) limitHead(read func() error) error {
	if timeout := c.server.config.HeaderTimeout; timeout > 0 {
		c.setHeadDeadline(time.Now().Add(timeout))
		defer c.setHeadDeadline(time.Time{})
	}
	err := read()
	if isTimeout(err) && !c.isClosing() {
		return errHeadTimeout
	}
	return err
}

// setHeadDeadline sets the time until which the client has to complete a head. The zero time removes the
// limit.
func (c *conn) setHeadDeadline(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.life.states[fromApp] == done {
		return // the client has its time to close
	}
	c.unparkLocked()
	c.requests.Deadline.LimitHead(t)
}

// discardRequests reads what the client still sends, until it closes or its deadline has passed.
func (c *conn) discardRequests() {
	for {
		c.requests.Discard()
		if c.retry(fromClient, c.requests.Fill()).stops() {
			return
		}
	}
}

// abort resets both connections.
func (c *conn) abort() {
	c.mu.Lock()
	client, app := c.client, c.app
	c.unparkLocked()
	c.mu.Unlock()
	reset(client)
	if app != nil {
		reset(app)
	}
}

// reset closes a connection with an RST.
func reset(c Conn) {
	if l, ok := c.(interface{ SetLinger(seconds int) error }); ok {
		_ = l.SetLinger(0)
	}
	_ = c.Close()
}

// closeIdle closes the connection if nothing is outstanding on it and no request has begun.
func (c *conn) closeIdle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, handshaking := c.client.(*outer)
	switch {
	case c.app == nil && !handshaking, c.life.closing:
		return
	case c.inFlightLocked() > 0 || c.http1.progress() != idle:
		return
	}
	c.life.end(endedIdle)
	c.endBothLocked()
}

// cut ends the connection and returns how many exchanges were in flight on it, without health probes.
// Every side that receives a part of something is reset. The second call has nothing left to cut.
func (c *conn) cut() (exchanges int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.life.ending == endedCut {
		return 0
	}
	exchanges = c.ledger.traffic() + c.relayer.streamsLocked()
	if c.life.ending == endedOpen || c.inFlightLocked() > 0 {
		c.life.ending = endedCut
	}
	c.endBothLocked()
	return exchanges
}

// endBothLocked resets each side that has received only a part of something, and half-closes the others,
// which get a moment to close their side too.
func (c *conn) endBothLocked() {
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
// something: a message, an HTTP/2 stream, the bytes of a tunnel. A clean end would make the part look
// like the whole if its length is not known, and a reset never does.
func (c *conn) receivesPartLocked(d direction) bool {
	switch {
	case c.life.states[d] == done:
		return false
	case d == fromApp && c.http1.responding: // also to nothing that was asked
		return true
	}
	return c.inFlightLocked() > 0
}

// cutsShort reports whether the end of a direction has to be a reset, because its destination has only a
// part and its protocol does not show that. WebSocket does: it ends with a close frame.
func (c *conn) cutsShort(d direction) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.receivesPartLocked(d) && c.protocol != websocket
}

// limitAll gives the connection d to end, and nothing extends that.
func (c *conn) limitAll(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.limitAllLocked(d)
}

func (c *conn) limitAllLocked(d time.Duration) {
	c.unparkLocked()
	c.life.final = true
	deadline := time.Now().Add(d)
	c.requests.Deadline.LimitAll(deadline)
	c.responses.Deadline.LimitAll(deadline)
	for _, side := range []Conn{c.client, c.app} {
		if side != nil {
			_ = side.SetWriteDeadline(deadline)
		}
	}
}

// countUnanswered counts, while draining, the exchanges that an app leaves unanswered by ending the
// connection. What the client has given up, and what we have cut or refused, is not the app's doing.
func (c *conn) countUnanswered() {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := &c.life
	if c.server.draining() && l.states[fromClient] != done && (l.ending == endedOpen || l.ending == endedDrain) {
		c.server.stats.drainUnanswered.Add(uint64(c.relayer.unansweredLocked()))
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
