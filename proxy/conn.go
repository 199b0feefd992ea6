package proxy

import (
	"errors"
	"io"
	"net/netip"
	"runtime"
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
// relayRequests and relayResponses. One that has been idle for a while is parked and has none.
type conn struct {
	server *Server
	route  *route
	client Conn
	app    Conn

	requests  flow            // owned by relayRequests
	source    *silence.Source // likewise; nil before the first exchange that is traffic
	responses flow            // owned by relayResponses

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
	states      [2]state // of the directions
	left        int      // directions whose goroutine has ended for good
	used        bool     // a request has come since the last sweep
	parking     bool     // the directions are to park, or have
	token       uint64   // under which the parker knows the connection; 0: it does not
}

// A direction is an index into conn.states.
type direction int

const (
	fromClient direction = iota
	fromApp
)

// A state is what a direction's goroutine does.
type state uint8

const (
	running state = iota // it relays; leads to parked and done
	parked               // there is none: the connection is idle; leads to running
	done                 // there is none any more; leads nowhere
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

// serve relays one connection. The app's connection is made first, whether or not the client has sent anything: the app
// sees the connections that it would see without us. It returns when the direction from the client has ended or is
// parked.
func (c *conn) serve() {
	growStack()
	app, err := c.server.dialApp(c.route)
	if err != nil {
		c.answerUnavailable(err)
		c.finish()
		return
	}
	if !c.bind(app) {
		c.finish()
		return
	}
	go c.run(fromApp)
	c.run(fromClient)
}

// run relays one direction until it has ended or is parked. The last direction to end ends the connection.
func (c *conn) run(d direction) {
	growStack()
	relay, end, f := c.relayRequests, c.endRequests, &c.requests
	if d == fromApp {
		relay, end, f = c.relayResponses, c.endResponses, &c.responses
	}
	err := relay()
	if err == errParked {
		return
	}
	c.wake()
	end(err)
	f.release()
	if c.leave() {
		c.finish()
	}
}

// growStack makes room on a new goroutine's stack at once, while there is next to nothing on it: growing it in steps, each with
// a copy of all frames, is a fifth of the cost of a short connection.
//
//go:noinline
func growStack() {
	var room [5 << 10]byte
	runtime.KeepAlive(&room)
}

// leave notes that the goroutine of a direction ends for good and tells whether it is the last one.
func (c *conn) leave() (last bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left++
	return c.left == len(c.states)
}

// bind joins the app's connection to the client's. False: the connection has been closed meanwhile.
func (c *conn) bind(app Conn) bool {
	client, appEnd := newEnd(c.client), newEnd(app)
	closed := c.server.isClosed()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.app = app
	s := c.server
	c.requests.init(client, appEnd, s.pipes, &s.stats.requestBytes)
	c.responses.init(appEnd, client, s.pipes, &s.stats.responseBytes)
	if c.parkable() {
		s.parker.run()
	}
	return !closed && !c.closing
}

// finish ends the connection, which has no goroutine any more but the caller's.
func (c *conn) finish() {
	c.abandon()
	_ = c.client.Close()
	if c.app != nil {
		_ = c.app.Close()
	}
	c.server.unregister(c)
}

// endRequests ends the direction from the client in the way in which err says that it has ended, and goes on reading
// where the client has more to say than is passed on.
func (c *conn) endRequests(err error) {
	switch {
	case err == io.EOF:
		c.endedBy(endedByClient)
		if !c.finishDirection(fromClient) {
			_ = c.app.CloseWrite()
			c.limitSilence(&c.responses, c.halfCloseLimit())
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
	case err == errClosing:
		c.endedBy(endedByApp)
		c.closeResponses()
		if c.progress() != passing {
			_ = c.app.CloseWrite() // it has answered all that it will be asked
		}
	case err == io.EOF || isTimeout(err):
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
		c.limitSilence(&c.requests, halfCloseTimeout)
		return
	}
	c.linger()
}

// limitSilence lets the source of f be silent for d at most from now on, unless the connection is to end sooner.
func (c *conn) limitSilence(f *flow, d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.hurried {
		f.limitSilence(d)
	}
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
	if !c.hurried && c.states[fromApp] != done {
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
	c.unpark()
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
	c.states[d] = done
	c.tell()
	return c.states[1-d] == done
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
	c.unpark()
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
	c.unpark()
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
