package proxy

import (
	"errors"
	"io"
	"net/netip"
	"sync"
	"time"

	"go.uber.org/zap"

	"lameduck/lifecycle/silence"
	"lameduck/proxy/h1"
)

// lingerTimeout is how long a connection whose response side has ended may take to end its request side, and how long a
// half-closed one with nothing outstanding may last (RFC 9112 section 9.6: close in stages, so that no RST destroys what the
// client has not read).
const lingerTimeout = 5 * time.Second

// halfCloseTimeout is how long the open direction of a half-closed connection may stay silent while an answer is
// outstanding or in a tunnel. Nobody can tell a slow answer from a lost one, so it is long.
const halfCloseTimeout = 10 * time.Minute

// A conn is one client connection bound to one app connection. Two goroutines relay it, one per direction:
// relayRequests and relayResponses.
type conn struct {
	server *Server
	route  *route
	client Conn
	app    Conn

	requests  flow            // owned by relayRequests
	source    *silence.Source // likewise; nil before the first exchange that is traffic
	responses flow            // owned by relayResponses

	relays sync.WaitGroup // relayResponses

	mu          sync.Mutex
	changed     sync.Cond // told when outstanding, protocol or done change and somebody waits
	waiting     bool      // somebody waits for changed
	outstanding exchanges
	request     progress // how far the next or current request has come
	responding  bool     // a final response is being passed on
	closing     bool     // no further request is passed on
	hurried     bool     // its deadlines are final
	answering   bool     // relayRequests is about to answer in its turn
	refused     bool     // its turn has come: no further response is passed on
	protocol    protocol // what is spoken after a request that may switch
	switched    int      // the status with which the connection became a tunnel
	ending      ending   // set once: what ended the connection
	done        [2]bool  // the direction has ended
}

// A direction is an index into conn.done.
type direction int

const (
	fromClient direction = iota
	fromApp
)

// A progress says how far a request has come.
type progress uint8

const (
	nothing  progress = iota // no byte of it is there; leads to arriving or passing
	arriving                 // a part of its head is in hand; leads to passing
	passing                  // it is outstanding and being passed on; its end leads to nothing
)

// A protocol is what a connection speaks.
type protocol uint8

const (
	http1     protocol = iota // leads to undecided with a request that may switch
	undecided                 // such a request is outstanding; its final response leads to http1 or tunnel
	tunnel                    // bytes; leads nowhere
)

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

// serve relays one connection to its end. The app's connection is made first, whether or not the client has sent
// anything: the app sees the connections that it would see without us.
func (c *conn) serve() {
	defer c.client.Close()
	app, err := c.server.dialApp(c.route)
	if err != nil {
		c.answerUnavailable(err)
		return
	}
	defer app.Close()
	if !c.bind(app) {
		return
	}
	c.serveHTTP1()
	c.abandon()
}

// bind joins the app's connection to the client's. False: the connection has been closed meanwhile.
func (c *conn) bind(app Conn) bool {
	client, appEnd := newEnd(c.client), newEnd(app)
	if c.server.isClosed() {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.app = app
	if c.closing {
		return false
	}
	s := c.server
	c.requests.init(client, appEnd, s.pipes, &s.stats.requestBytes)
	c.responses.init(appEnd, client, s.pipes, &s.stats.responseBytes)
	return true
}

// serveHTTP1 runs both directions and returns when both have ended.
func (c *conn) serveHTTP1() {
	c.relays.Add(1)
	go func() {
		defer c.relays.Done()
		c.endResponses(c.relayResponses())
		c.responses.release()
	}()
	c.endRequests(c.relayRequests())
	c.requests.release()
	c.relays.Wait()
}

// endRequests ends the direction from the client in the way in which err says that it has ended, and goes on reading
// where the client has more to say than is passed on.
func (c *conn) endRequests(err error) {
	switch {
	case err == io.EOF:
		c.endedBy(endedByClient)
		if !c.finishDirection(fromClient) {
			_ = c.app.CloseWrite()
			c.responses.limitSilence(c.halfCloseLimit())
		}
	case isWrite(err) || err == errClosing || isTimeout(err):
		// The app takes no more. What it has answered is still on its way to the client, and an unread byte would turn
		// our close into an RST that destroys it.
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
	switch {
	case err == io.EOF || err == errClosing || isTimeout(err):
		c.endedBy(endedByApp)
		c.closeResponses()
	case isWrite(err):
		c.endedBy(endedByClient)
		c.finishDirection(fromApp)
		c.abort()
	default:
		c.endedBy(endedByApp)
		c.logEnd("response cut short", err)
		if c.pendingAnswers() > 0 {
			c.finishDirection(fromApp)
			c.abort() // the client must not take what it has for the whole
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
	if c.tunnels() {
		c.requests.limitSilence(halfCloseTimeout)
		return
	}
	if c.progress() != passing {
		_ = c.app.CloseWrite()
	}
	c.linger()
}

// linger sets the time until which the client may close its side, unless that is set already.
func (c *conn) linger() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.hurried {
		return
	}
	c.requests.limit.Store(0) // a client that sends without end must not put the deadline off
	_ = c.client.SetReadDeadline(time.Now().Add(lingerTimeout))
}

// setHeadDeadline sets the time until which the client has to complete a head; zero: there is none. It leaves the
// deadlines alone that end the connection.
func (c *conn) setHeadDeadline(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.hurried && !c.done[fromApp] {
		_ = c.client.SetReadDeadline(t)
	}
}

// discardRequests reads what the client still sends until it closes or the deadline that closeResponses sets has
// passed.
func (c *conn) discardRequests() {
	for {
		c.requests.discard()
		if c.requests.fill() != nil {
			return
		}
	}
}

// abort ends both connections with an RST, as the one that is gone did.
func (c *conn) abort() {
	c.mu.Lock()
	app := c.app
	c.mu.Unlock()
	reset(c.client)
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
	for c.outstanding.len() > 0 {
		c.server.endExchange(c.source, c.outstanding.pop(), c.switched)
	}
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

// finishDirection notes that a direction has ended and tells whether the other one had ended before.
func (c *conn) finishDirection(d direction) (last bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done[d] = true
	c.tell()
	return c.done[1-d]
}

// tell wakes the direction that waits for the other one, if it does.
func (c *conn) tell() {
	if c.waiting {
		c.changed.Broadcast()
	}
}

// wait waits for a change. The caller holds mu and looks again.
func (c *conn) wait() {
	c.waiting = true
	c.changed.Wait()
	c.waiting = false
}

func (c *conn) halfCloseLimit() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.outstanding.len() > 0 || c.protocol == tunnel {
		return halfCloseTimeout
	}
	return lingerTimeout
}

func (c *conn) pendingAnswers() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.outstanding.len()
}

func (c *conn) tunnels() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.protocol == tunnel
}

func (c *conn) progress() progress {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.request
}

func (c *conn) setProgress(p progress) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.request = p
}

func (c *conn) isClosing() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closing
}

// closeIdle closes the connection if nothing is outstanding on it and no request has begun.
func (c *conn) closeIdle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.app == nil || c.outstanding.len() > 0 || c.request != nothing || c.closing {
		return
	}
	if c.ending == endedOpen {
		c.ending = endedIdle
	}
	c.halfCloseBoth()
}

// cut ends the connection with a FIN to both sides whatever is in flight on it, and returns how many exchanges were.
func (c *conn) cut() (exchanges int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ending == endedOpen || c.outstanding.len() > 0 {
		c.ending = endedCut
	}
	c.halfCloseBoth()
	return c.outstanding.len()
}

// halfCloseBoth sends a FIN each way and leaves the peers a moment to answer with theirs. The caller holds mu.
func (c *conn) halfCloseBoth() {
	c.closing = true
	c.limitTime(cutTimeout)
	for _, side := range []Conn{c.client, c.app} {
		if side != nil {
			_ = side.CloseWrite()
		}
	}
}

// hurry gives the connection d to end, and nobody puts that off any more.
func (c *conn) hurry(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.limitTime(d)
}

// limitTime is hurry for a caller that holds mu.
func (c *conn) limitTime(d time.Duration) {
	c.hurried = true
	c.requests.limit.Store(0)
	c.responses.limit.Store(0)
	deadline := time.Now().Add(d)
	for _, side := range []Conn{c.client, c.app} {
		if side != nil {
			_ = side.SetDeadline(deadline)
		}
	}
}

// cutTimeout is what the two sides of a connection that is cut get to close theirs.
const cutTimeout = time.Second

// addr returns the client's address without its port; the zero Addr when it has none.
func (c *conn) addr() netip.Addr {
	a, ok := c.client.RemoteAddr().(interface{ AddrPort() netip.AddrPort })
	if !ok {
		return netip.Addr{}
	}
	return a.AddrPort().Addr()
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

// refusal is the status of our own answer to a request whose head or body is refused with err.
func refusal(err error) answer {
	switch err {
	case h1.ErrHeadTooLarge:
		return answerHeadTooLarge
	case h1.ErrVersion:
		return answerVersion
	}
	return answerBadRequest
}
