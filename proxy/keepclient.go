package proxy

import (
	"errors"
	"io"

	"lameduck/proxy/h1"
	"lameduck/proxy/pump"
)

// An app that closes connections after a short idle time meets the requests of load balancers that keep theirs for longer: the
// classic 502. With Config.KeepClient such a close stays between the app and us. Its direction ends for the time being, it is away,
// and the direction from the client, which alone owns what leads to the app then, dials anew when the next request comes. A
// request that had been sent already when the app's close was seen is sent again where that is safe.

// keeping is what is known of a connection whose client outlives the app's side.
type keeping struct {
	// Guarded by conn.mu.
	parting bool         // a message has said that the connection ends
	reused  bool         // the app's side has answered a request: it may be stale
	request *pump.Buffer // the outstanding request, where it may be sent again; nil: it may not
	size    int          // of it
	stale   bool         // it has to be: the app has closed and has not answered it
}

// errAway ends the goroutine of the direction from the app while the app is away.
var errAway = errors.New("app is away")

// errStale interrupts the direction from the client: the outstanding request has to be sent again.
var errStale = errors.New("app has closed without an answer")

// keeps prepares the connection for an app that closes before its client.
func (c *conn) keeps() {
	r := c.route
	if c.server.config.KeepClient && !r.Proxied && !r.AppTLS {
		c.keep = new(keeping)
	}
}

// leaves reports whether the client does not see the app's end with err, see mayLeave. The direction from
// the app is away then.
func (c *conn) leaves(err error) bool {
	if c.keep == nil || !isEnd(err) || len(c.responses.Pending()) > 0 {
		return false
	}
	c.responses.Release()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.mayLeave() {
		return false
	}
	c.unpark()
	_ = c.app.Close()
	c.states[fromApp] = away
	c.tell()
	if c.outstanding.len() > 0 {
		c.keep.stale = true
		c.interrupt(fromClient)
	}
	return true
}

// isEnd tells whether err is the end of a source, by a FIN or an RST.
func isEnd(err error) bool {
	var broken *pump.ReadError
	return err == io.EOF || errors.As(err, &broken) && !isTimeout(err)
}

// mayLeave reports whether the client need not see the app's end: at the boundary of two messages in
// both directions, on a connection that is known to speak HTTP/1, or if the one outstanding request may
// be sent again. Where nothing has been said yet, the client may be waiting for the app to speak first.
// The caller holds mu.
func (c *conn) mayLeave() bool {
	switch {
	case c.closing || c.hurried || c.keep.parting || c.states[fromClient] == done:
		return false
	case c.protocol != http1:
		return false
	case c.outstanding.len() == 0:
		return c.request != passing // else it was answered early, and the rest of its body is on the way
	}
	return c.outstanding.len() == 1 && c.keep.request != nil
}

// remember takes up a request that is to be passed on: whether it may be sent again, and whether the connection ends with it. The caller
// holds mu.
func (c *conn) remember(req *h1.Request) {
	if c.keep == nil {
		return
	}
	c.keep.forget()
	head := c.requests.Pending()
	c.notePersistence(head[:req.Size])
	if c.outstanding.len() == 0 && c.keep.reused && h1.Idempotent(head) {
		c.copyRequest(req)
	}
}

// copyRequest keeps a copy of a request that is whole in our buffer. It alone is outstanding, on a connection that may be stale, and it is
// idempotent (RFC 9110 section 9.2.2). The caller holds mu.
func (c *conn) copyRequest(req *h1.Request) {
	pending, body := c.requests.Pending(), req.Body
	n, err := body.Scan(pending[req.Size:])
	size := req.Size + n
	if err != nil || !body.Done() || size > pump.BufferSize {
		return
	}
	c.keep.request, c.keep.size = pump.NewBuffer(), size
	copy(c.keep.request.Bytes, pending[:size])
}

// forget gives the copy back: the request may not be sent again any more. The caller holds mu.
func (k *keeping) forget() {
	if k.request != nil {
		k.request.Free()
		k.request = nil
	}
}

// noteResponse notes that the response to the outstanding request has begun. The caller holds mu.
func (c *conn) noteResponse() {
	if c.keep != nil {
		c.keep.forget()
	}
}

// notePersistence notes that the message with this head is the last of its connection, if it is. The caller holds mu.
func (c *conn) notePersistence(head []byte) {
	if c.keep != nil && !h1.Persists(head) {
		c.keep.parting = true
	}
}

func (c *conn) isAway() bool {
	if c.keep == nil {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.states[fromApp] == away
}

// recall dials the app again if it is away. The connection does not count as idle meanwhile.
func (c *conn) recall() error {
	if !c.isAway() {
		return nil
	}
	c.setProgress(arriving)
	app, err := c.dial()
	if err != nil {
		return err
	}
	if !c.rebind(app) {
		return errClosing
	}
	c.server.stats.redials.Add(1)
	go c.run(fromApp)
	return nil
}

// rebind is bind for an app that was away. False: the connection has been closed meanwhile.
func (c *conn) rebind(app Conn) bool {
	client, appEnd := pump.NewEnd(c.client), pump.NewEnd(app)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing || c.hurried {
		_ = app.Close()
		return false
	}
	c.app = app
	c.responses.Deadline.Watch(app)
	s := c.server
	c.requests.Init(client, appEnd, s.pipes, &s.stats.requestBytes)
	c.responses.Init(appEnd, client, s.pipes, &s.stats.responseBytes)
	c.states[fromApp] = running
	c.interrupted[fromApp] = false
	c.keep.reused = false
	return true
}

// resend sends the outstanding request again if err says that the app has closed without an answer, or the write to it has failed
// for that reason. It returns nil when it has.
func (c *conn) resend(err error) error {
	if c.keep == nil || err != errStale && !isWrite(err) {
		return err
	}
	request, size := c.awaitStale()
	if request == nil {
		return err
	}
	defer request.Free()
	if err := c.recall(); err != nil {
		c.setProgress(passing) // it is outstanding, and answered in the app's place
		return c.unavailable(err)
	}
	c.setProgress(nothing)
	c.server.stats.resent.Add(1)
	return c.requests.Write(request.Bytes[:size])
}

// awaitStale waits until the app's close has been seen, and returns the request that is to be sent again; nil: there is none.
func (c *conn) awaitStale() (request *pump.Buffer, size int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.keep.request != nil && c.states[fromApp] == running {
		c.wait()
	}
	if !c.keep.stale {
		return nil, 0
	}
	c.calm(fromClient)
	request, c.keep.request, c.keep.stale = c.keep.request, nil, false
	return request, c.keep.size
}

// isStale tells whether the outstanding request has to be sent again. The caller holds mu.
func (c *conn) isStale() bool { return c.keep != nil && c.keep.stale }

// relinquish ends the direction of an app that is away, when that from the client ends with err.
func (c *conn) relinquish(err error) {
	c.mu.Lock()
	gone := c.states[fromApp] == away
	if gone {
		c.states[fromApp] = done
		c.left++
	}
	c.mu.Unlock()
	if gone && err == errClosing {
		_ = c.client.CloseWrite() // behind an answer of ours
		c.linger()
	}
}

// unavailable answers a request for which the app could not be dialled anew.
func (c *conn) unavailable(err error) error {
	if err == errClosing || c.server.appGone() {
		return err
	}
	c.logEnd("app not reached", err)
	return c.refuse(answerUnavailable)
}
