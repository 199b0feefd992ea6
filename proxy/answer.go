package proxy

import (
	"errors"
	"io"
	"time"

	"lameduck/proxy/h1"
	"lameduck/proxy/pump"
)

// An answer is a complete response of our own. Each ends its connection.
type answer string

// Our own responses (RFC 9110 sections 15.5 and 15.6).
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

// refusal returns our answer to a request that fails with err, or "" if the request is not at
// fault.
func refusal(err error) answer {
	var reason h1.Error
	switch {
	case err == errHeadTimeout:
		return answerTimeout
	case errors.Is(err, pump.ErrOverBudget):
		return answerUnavailable
	case !errors.As(err, &reason):
		return ""
	case reason == h1.ErrHeadTooLarge:
		return answerHeadTooLarge
	case reason == h1.ErrVersion:
		return answerVersion
	}
	return answerBadRequest
}

func (h *http1Conn) logRefusal(err error) {
	if err != errHeadTimeout && !errors.Is(err, pump.ErrOverBudget) {
		h.logEnd("request refused", err)
	}
}

// refuse answers in place of the app, after the responses to earlier requests. It does not answer
// if the response to the refused request has already begun.
func (h *http1Conn) refuse(a answer) outcome {
	if o := h.reconnect.replay(endedBy(h.requests.Flush())); o.stops() {
		return o
	}
	switch h.claimTurn() {
	case turnOver:
		return outcome{verdict: lastSent}
	case turnOurs:
		_ = h.client.SetWriteDeadline(time.Now().Add(lingerTimeout))
		_, _ = io.WriteString(h.client, string(a))
	}
	reset(h.app) // ends the direction from the app, which closes the client's connection in stages
	return outcome{verdict: lastSent}
}

// A turn is the writer of the next response.
type turn uint8

const (
	turnOurs turn = iota // we do
	turnLost             // the app does: its answer to the refused request has begun, or it has ended
	turnOver             // nobody: the client has been asked to disconnect
)

// claimTurn waits for the responses to the requests before the refused one. Later responses of the
// app are not relayed.
func (h *http1Conn) claimTurn() turn {
	h.mu.Lock()
	defer h.mu.Unlock()
	l := &h.life
	if l.ending == endedDrain {
		return turnOver
	}
	l.closing, h.answering = true, true
	own := 0 // outstanding exchanges that are the refused request itself
	if h.progress().isRelaying() {
		own = 1
	}
	passed := false // the client's end
	for h.ledger.len() > own && l.states[fromApp] != done && l.states[fromApp] != away {
		if !passed && h.watch.hasEndedLocked() {
			passed = true
			h.passEndLocked()
			continue
		}
		h.waitLocked()
	}
	if l.states[fromApp] == done || h.responding || h.ledger.len() != own {
		return turnLost
	}
	h.refused = true
	l.end(endedRefused)
	if own > 0 {
		h.ledger.pop(0)
	}
	return turnOurs
}

// passEndLocked propagates the end of the client's side to the app, while the responses to earlier
// requests are still outstanding. Nothing more is relayed to the app. It releases mu while it does
// so.
func (h *http1Conn) passEndLocked() {
	h.unparkLocked()
	h.responses.Deadline.LimitSilence(halfCloseTimeout)
	app := h.app
	h.mu.Unlock()
	defer h.mu.Lock()
	_ = app.CloseWrite()
}

// badGateway answers 502 in place of a refused response, and closes the connection.
func (h *http1Conn) badGateway() outcome {
	if err := h.responses.Flush(); err != nil {
		return endedBy(err)
	}
	if !h.claimResponse() {
		return outcome{verdict: lastSent}
	}
	_, err := io.WriteString(h.client, string(answerBadGateway))
	reset(h.app)
	if err != nil {
		return endedBy(&pump.WriteError{Err: err})
	}
	return outcome{verdict: lastSent}
}

// claimResponse claims the next response for us, as the last one. It returns false if the direction
// from the client is answering.
func (h *http1Conn) claimResponse() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.refused {
		return false
	}
	h.life.closing, h.responding = true, true
	h.life.end(endedRefused)
	for h.ledger.len() > 0 {
		h.ledger.pop(502)
	}
	h.broadcastLocked()
	return true
}

// claimPart makes a part of a head the last thing that the client gets. It returns false if the
// direction from the client answers.
func (h *http1Conn) claimPart() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.refused {
		return false
	}
	h.responding = true
	return true
}

// refuseRequest ends the direction from the client: with an answer of our own if the request is at
// fault, and otherwise as a direct connection would end.
func (h *http1Conn) refuseRequest(o outcome) outcome {
	switch a := refusal(o.err); {
	case o.verdict != ended:
	case a != "":
		h.logRefusal(o.err)
		if errors.Is(o.err, pump.ErrOverBudget) {
			h.requests.Release() // before anything else is waited for
		}
		return h.refuse(a)
	case o.err == io.EOF && len(h.requests.Pending()) > 0:
		// The client has sent part of a head and ended. Relay exactly that to the app.
		h.requests.Pass(len(h.requests.Pending()))
		if err := h.requests.Flush(); err != nil {
			return endedBy(err)
		}
	}
	return o
}
