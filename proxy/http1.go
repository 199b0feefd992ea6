package proxy

import (
	"io"
	"time"

	"lameduck/proxy/h1"
	"lameduck/proxy/pump"
)

// relayRequests passes requests on to the app until the client has no more. It returns io.EOF when the client has ended
// its side, errClosing when nothing more may be passed on, or what broke the connection.
func (c *conn) relayRequests() error {
	f := &c.requests
	for {
		req, err := c.readRequest()
		if err != nil {
			return c.refuseRequest(err)
		}
		if c.server.turnsAway(&req) {
			return c.refuse(answerDraining)
		}
		if err := c.recall(); err != nil {
			return c.unavailable(err)
		}
		switch err := c.begin(&req); err {
		case nil:
		case errAway:
			continue // it has left in this moment: the head is looked at once more
		default:
			return firstOf(f.Flush(), err) // the requests before it are to be answered
		}
		f.Pass(req.Size)
		switch err := c.copyRequestBody(&req); err {
		case nil:
		case errSpeaks:
			return err
		default:
			return c.refuseRequest(err)
		}
		c.setProgress(nothing)
		if !req.Switches() {
			continue
		}
		switched, err := c.awaitSwitch()
		if err != nil {
			return err
		}
		if switched {
			return errSpeaks
		}
	}
}

// copyRequestBody passes on the body of a request. It returns errSpeaks if the connection has become
// unframed before the body's first byte.
func (c *conn) copyRequestBody(req *h1.Request) error {
	if req.Expects && !req.Body.Done() {
		follows, err := c.awaitBody()
		if err != nil {
			return err
		}
		if !follows {
			return errSpeaks
		}
	}
	for {
		err := c.requests.CopyBody(&req.Body)
		if err == nil {
			return nil
		}
		if err := c.retry(fromClient, err); err != nil {
			return err
		}
	}
}

// firstOf returns err, or other when there is none.
func firstOf(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

// readRequest waits for the whole head of the next request. Waiting for its first byte takes as long as it takes; from
// then on the header timeout runs. Empty lines before the head are passed on as they come.
func (c *conn) readRequest() (h1.Request, error) {
	f := &c.requests
	for {
		f.Pass(h1.EmptyLines(f.Pending()))
		req, err := h1.ParseRequest(f.Pending())
		if err != nil || req.Size > 0 {
			return req, err
		}
		if len(f.Pending()) == 0 {
			err = c.await(fromClient)
		} else {
			err = c.completeHead()
		}
		if err != nil {
			if err = c.resend(err); err != nil {
				return req, err
			}
		}
	}
}

// completeHead waits until the head of which some bytes are in hand is whole, or turns out to be an empty line.
func (c *conn) completeHead() error {
	c.setProgress(arriving)
	err := c.withHeadTimeout(func() error { return fillHead(&c.requests) })
	if h1.EmptyLines(c.requests.Pending()) > 0 {
		c.setProgress(nothing)
	}
	return err
}

// withHeadTimeout gives a read of the client's as long as a head may take.
func (c *conn) withHeadTimeout(read func() error) error {
	if timeout := c.server.config.HeaderTimeout; timeout > 0 {
		c.setHeadDeadline(time.Now().Add(timeout))
		defer c.setHeadDeadline(time.Time{})
	}
	err := read()
	if isTimeout(err) {
		return c.timeoutOfHead(err)
	}
	return err
}

// timeoutOfHead returns what it means that a deadline has passed while a head was read.
func (c *conn) timeoutOfHead(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.isStale():
		return errStale
	case c.closing:
		return err
	}
	return errHeadTimeout
}

// fillHead reads until f holds a whole head or an empty line.
func fillHead(f *pump.Flow) error {
	for {
		searched := len(f.Pending())
		if searched >= h1.MaxHead {
			return h1.ErrHeadTooLarge
		}
		if err := f.Fill(); err != nil {
			return err
		}
		if h1.HeadEnd(f.Pending(), searched) > 0 || h1.EmptyLines(f.Pending()) > 0 {
			return nil
		}
	}
}

// relayResponses passes responses on to the client until the app has no more. It returns io.EOF when the app has ended
// its side, errClosing when the last response has been passed on, or what broke the connection.
func (c *conn) relayResponses() error {
	f := &c.responses
	for {
		resp, err := c.readResponse()
		if err != nil {
			if c.leaves(err) {
				return errAway
			}
			return c.refuseResponse(err)
		}
		if resp.Interim() {
			c.noteInterim(resp.Status)
			f.Pass(resp.Size)
			continue
		}
		if err := c.passFinalHead(&resp); err != nil {
			return err
		}
		if resp.Body.Kind() == h1.Tunnel {
			return errSpeaks
		}
		err = c.copyResponse(&resp)
		ended := err == io.EOF && resp.Body.Kind() == h1.UntilClose
		if err != nil && !ended {
			return err
		}
		if err := f.Flush(); err != nil {
			return err
		}
		if c.answered(resp.Status) {
			return errClosing
		}
		if ended {
			return io.EOF
		}
	}
}

// readResponse waits for the whole head of the next response.
func (c *conn) readResponse() (h1.Response, error) {
	f := &c.responses
	for {
		if len(f.Pending()) == 0 {
			if err := c.await(fromApp); err != nil {
				return h1.Response{}, err
			}
		}
		e, err := c.oldest()
		if err == errTooShort {
			if err := c.retry(fromApp, f.Fill()); err != nil {
				return h1.Response{}, err
			}
			continue
		}
		if err == nil || err == errUnsolicited {
			passed, failed := c.passEmptyLines()
			if failed != nil {
				return h1.Response{}, failed
			}
			if passed {
				continue
			}
		}
		if err != nil {
			return h1.Response{}, err
		}
		resp, err := h1.ParseResponse(f.Pending(), e.method)
		if err == nil && resp.Status == 101 && !e.switches {
			err = h1.ErrSwitch
		}
		if err != nil || resp.Size > 0 {
			return resp, err
		}
		if err := fillHead(f); err != nil {
			return resp, err
		}
	}
}

// passFinalHead passes the head of a final response on, with the close option if it is the last of a connection that is
// told to leave.
func (c *conn) passFinalHead(resp *h1.Response) error {
	f := &c.responses
	tell, err := c.decide(resp)
	if err != nil {
		return err
	}
	if resp.Body.Kind() == h1.Tunnel {
		f.Pass(resp.Size)
		return f.Flush()
	}
	if !tell {
		f.Pass(resp.Size)
		return nil
	}
	told := pump.NewLargeBuffer()
	defer told.Free()
	head := h1.AppendCloseOption(told.Bytes[:0], f.Pending()[:resp.Size])
	return f.Replace(resp.Size, head)
}

// decide settles, in one step with begin, what the final response to the oldest request means for the connection: whether it switches
// protocols, and whether it is the one that tells the client to leave. While draining the first response that comes
// stops further requests; the last of those outstanding gets the close option.
func (c *conn) decide(resp *h1.Response) (tell bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refused {
		return false, errClosing
	}
	if c.protocol == undecided && c.outstanding.len() == 1 {
		c.decideSwitch(resp)
	}
	c.responding = true
	c.noteResponse()
	head := c.responses.Pending()[:resp.Size]
	c.notePersistence(head)
	if c.protocol > undecided {
		return false, nil
	}
	if !c.server.draining() {
		if losesFraming(c.outstanding.front(), resp, head) {
			c.loseFraming()
		}
		return false, nil
	}
	c.closing = true
	c.tell()
	if c.outstanding.len() > 1 || c.answering {
		return false, nil
	}
	if c.ending == endedOpen {
		c.ending = endedTold
	}
	return true, nil
}

// decideSwitch settles what is spoken after the response to the request that may switch protocols. The caller holds mu.
func (c *conn) decideSwitch(resp *h1.Response) {
	switch {
	case resp.Body.Kind() != h1.Tunnel:
		c.speak(http1)
		return
	case resp.Status == 101 && resp.Upgrade("h2c"):
		c.endExchange(c.outstanding.pop(), resp.Status)
		c.speak(http2)
		c.continueAsStream()
	case resp.Status == 101 && resp.Upgrade("websocket"):
		c.speak(websocket)
	default:
		c.speak(tunnel)
	}
	c.switched = resp.Status
	c.interrupt(fromClient) // it follows what is spoken now, even if the client says nothing more
}

// oldest returns the oldest request that is not answered yet, or why what has come from the app is no response to one:
// errSpeaks where HTTP/1 is not spoken, errTooShort where that cannot be told yet.
func (c *conn) oldest() (exchange, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.protocol == unknown {
		switch p := c.recognizeApp(c.responses.Pending()); p {
		case unknown:
			return exchange{}, errTooShort
		case http2, tcp:
			c.speak(p)
		}
	}
	switch {
	case c.protocol > undecided:
		return exchange{}, errSpeaks
	case c.outstanding.len() == 0:
		return exchange{}, errUnsolicited
	}
	return c.outstanding.front(), nil
}

// begin accounts for a request before its first byte is passed on. errClosing: it must not be passed on.
func (c *conn) begin(req *h1.Request) error {
	e := exchange{
		method: req.Method, probe: c.server.probes.match(req),
		switches: req.Switches(), eventSource: req.EventSource,
		withholds: mayWithholdBody(req, c.requests.Pending()[:req.Size]),
	}
	if c.noRoom() {
		if err := c.requests.Flush(); err != nil {
			return err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.outstanding.full() && !c.closing && c.states[fromApp] != done {
		c.wait()
	}
	switch {
	case c.closing || c.states[fromApp] == done:
		return errClosing
	case c.states[fromApp] == away:
		return errAway
	}
	c.remember(req)
	if e.switches {
		c.protocol = undecided
	}
	c.request = passing
	c.account(e)
	return nil
}

// account takes up an exchange that is answered in its turn. The caller holds mu.
func (c *conn) account(e exchange) {
	c.outstanding.push(e)
	c.used.Store(true)
	c.unpark()
	c.beginExchange(e)
}

// beginExchange accounts for an exchange before it is passed on. The caller holds mu.
func (c *conn) beginExchange(e exchange) {
	if c.source == nil && !e.probe {
		c.source = c.server.sources.Acquire(c.addr(), c.server.now())
	}
	c.server.beginExchange(c.source, e)
}

// endExchange accounts for the end of an exchange with a final status code, or 0 when there was none. The caller holds mu.
func (c *conn) endExchange(e exchange, status int) { c.server.endExchange(c.source, e, status) }

func (c *conn) noRoom() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.outstanding.full()
}

// answered accounts for a response that has been passed on whole. closed: it was the last.
func (c *conn) answered(status int) (closed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.endExchange(c.outstanding.pop(), status)
	c.responding = false
	if c.keep != nil {
		c.keep.reused = true
	}
	c.accountActivity()
	c.tell()
	return c.closing && c.outstanding.len() == 0 && !c.answering
}

// awaitSwitch waits, after a request that may switch protocols, until the client sends more, and then until it is
// settled what that is. It reads on meanwhile so that a client that goes away is noticed.
func (c *conn) awaitSwitch() (switched bool, err error) {
	f := &c.requests
	if err := f.Flush(); err != nil {
		return false, err
	}
	for len(f.Pending()) == 0 && c.speaks() == undecided {
		if err := c.retry(fromClient, f.Fill()); err != nil {
			return false, err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.protocol == undecided && c.states[fromApp] != done {
		c.wait()
	}
	return c.protocol != http1, nil
}
