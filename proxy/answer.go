package proxy

import (
	"errors"
	"io"
	"time"

	"go.uber.org/zap"

	"lameduck/proxy/h1"
	"lameduck/proxy/pump"
)

// An answer is a whole response of our own. Each ends its connection.
type answer string

// Our own responses (RFC 9110 section 15.5 and 15.6).
const (
	answerBadRequest   answer = "HTTP/1.1 400 Bad Request\r\n" + answerEnd
	answerTimeout      answer = "HTTP/1.1 408 Request Timeout\r\n" + answerEnd
	answerHeadTooLarge answer = "HTTP/1.1 431 Request Header Fields Too Large\r\n" + answerEnd
	answerBadGateway   answer = "HTTP/1.1 502 Bad Gateway\r\n" + answerEnd
	answerUnavailable  answer = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n" + answerEnd
	answerDraining     answer = "HTTP/1.1 503 Service Unavailable\r\n" + answerEnd
	answerVersion      answer = "HTTP/1.1 505 HTTP Version Not Supported\r\n" + answerEnd

	answerEnd = "Content-Length: 0\r\nConnection: close\r\n\r\n"
)

// errHeadTimeout says that the client has begun a head and not ended it in time.
var errHeadTimeout = errors.New("head not complete in time")

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

// refuseRequest ends the direction from the client with err: with an answer of ours where the request is at fault, in
// the way of the bare connection otherwise.
func (c *conn) refuseRequest(err error) error {
	var reason h1.Error
	switch {
	case errors.As(err, &reason):
		c.logEnd("request refused", err)
		return c.refuse(refusal(reason))
	case err == errHeadTimeout:
		return c.refuse(answerTimeout)
	case err == io.EOF && len(c.requests.Pending()) > 0:
		// The beginning of a head, and then the end: the app is to see just that.
		c.requests.Pass(len(c.requests.Pending()))
		return firstOf(c.requests.Flush(), io.EOF)
	}
	return err
}

// refuse answers in the app's place: after the answers to the requests that have been passed on, and not at all when
// the response to the refused request itself has begun.
func (c *conn) refuse(a answer) error {
	if err := c.requests.Flush(); err != nil {
		return err
	}
	switch c.claimTurn() {
	case turnOver:
		return errClosing
	case turnOurs:
		_ = c.client.SetWriteDeadline(time.Now().Add(lingerTimeout))
		_, _ = io.WriteString(c.client, string(a))
	}
	reset(c.app) // ends the direction from the app, which closes the client's connection in stages
	return errClosing
}

// A turn says whose the next response is.
type turn uint8

const (
	turnOurs turn = iota // it is ours
	turnLost             // the app's answer to the refused request has begun, or the app has ended
	turnOver             // there is none: the client has been told to leave
)

// claimTurn waits for the answers to the requests before the refused one, and stops the app's behind them.
func (c *conn) claimTurn() turn {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ending == endedTold {
		return turnOver
	}
	c.closing, c.answering = true, true
	own := 0 // outstanding exchanges that are the refused request itself
	if c.request == passing {
		own = 1
	}
	for c.outstanding.len() > own && c.states[fromApp] != done && c.states[fromApp] != away {
		c.wait()
	}
	if c.states[fromApp] == done || c.responding || c.outstanding.len() != own {
		return turnLost
	}
	c.refused = true
	if c.ending == endedOpen {
		c.ending = endedRefused
	}
	if own > 0 {
		c.endExchange(c.outstanding.pop(), 0)
	}
	return turnOurs
}

// refuseResponse ends the direction from the app with err: with a 502 where the response is at fault and the client has
// seen nothing of it, in the way of the bare connection otherwise.
func (c *conn) refuseResponse(err error) error {
	var reason h1.Error
	switch {
	case err == errUnsolicited:
		return c.relaySurplus()
	case errors.As(err, &reason):
		c.server.log.Warn("response refused", zap.Stringer("app", c.app.RemoteAddr()), zap.Error(err))
		return c.badGateway()
	}
	return err
}

// badGateway answers 502 in the place of the response that was refused, and closes.
func (c *conn) badGateway() error {
	if err := c.responses.Flush(); err != nil {
		return err
	}
	if !c.closeWith(endedRefused) {
		return errClosing
	}
	_, err := io.WriteString(c.client, string(answerBadGateway))
	reset(c.app)
	if err != nil {
		return &pump.WriteError{Err: err}
	}
	return errClosing
}

// closeWith stops further requests and accounts for those that will not be answered by the app. False: the direction
// from the client answers.
func (c *conn) closeWith(e ending) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refused {
		return false
	}
	c.closing, c.responding = true, true
	if c.ending == endedOpen {
		c.ending = e
	}
	for c.outstanding.len() > 0 {
		c.endExchange(c.outstanding.pop(), 502)
	}
	c.tell()
	return true
}

// answerUnavailable ends a connection for which the app could not be reached: with a 503 if a request comes, with
// nothing if none does.
func (c *conn) answerUnavailable(err error) {
	if c.endHandshake(err) {
		return
	}
	c.endedBy(endedRefused)
	if err == errLoop || c.server.appGone() {
		c.logEnd("fallback not reached", err)
		reset(c.client) // a refused connection is retried elsewhere, a 503 is not
		return
	}
	c.logEnd("app not reached", err)
	c.requests.Init(pump.NewEnd(c.client), pump.End{}, c.server.pipes, &c.server.stats.requestBytes)
	c.hurry(lingerTimeout)
	if _, err := c.readRequest(); err == nil {
		_, _ = io.WriteString(c.client, string(answerUnavailable))
		_ = c.client.CloseWrite()
		c.discardRequests()
	}
	c.requests.Release()
}
