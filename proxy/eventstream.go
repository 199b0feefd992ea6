package proxy

import (
	"io"

	"lameduck/proxy/h1"
)

// lastChunk ends a chunked body without trailers (RFC 9112 section 7.1).
const lastChunk = "0\r\n\r\n"

// copyResponseBody relays the body of a response: event by event if the stream may end early,
// otherwise as a whole.
func (h *http1Conn) copyResponseBody(r *reply) error {
	if !r.EventStream || h.server.config.KeepEventStreams || !reconnects(r) {
		return h.responses.CopyBody(&r.Body)
	}
	h.beginEvents()
	defer h.endEvents()
	return h.copyEvents(r)
}

// reconnects reports whether the client will request the stream again if it ends early, so that
// nothing is lost. Only an EventSource does, and only if the status is 200 (HTML standard, section
// 9.2.3). Any other event stream is a long response, for example to a POST, and an early end would
// make a part look like the whole.
func reconnects(r *reply) bool {
	return r.exchange.eventSource && r.Status == 200 && !r.Body.Done()
}

func (h *http1Conn) beginEvents() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.events = true
	h.scheduleNoticeLocked()
}

func (h *http1Conn) endEvents() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.events = false
	h.notice.stop()
	h.notice.timer = nil
	h.clearInterruptLocked(fromApp)
}

// copyEvents relays the event stream of an EventSource. When its notice is due, the stream ends
// between two events.
func (h *http1Conn) copyEvents(r *reply) error {
	f, body := &h.responses, &r.Body
	var events h1.Events
	for !body.Done() {
		if h.notice.due.Load() && body.Between() && events.Between() {
			if ended, err := h.endStream(r); ended {
				return err
			}
		}
		if len(f.Pending()) == 0 {
			if o := h.retry(fromApp, f.Fill()); o.stops() {
				return o.err
			}
			continue
		}
		n, err := events.Scan(body, f.Pending())
		f.Pass(n)
		if err != nil {
			return err
		}
	}
	return nil
}

// endStream ends the stream in place of the app, and the connection with it. It returns false if
// other requests wait for their answers behind it.
func (h *http1Conn) endStream(r *reply) (ended bool, err error) {
	f := &h.responses
	if err := f.Flush(); err != nil {
		return true, err
	}
	if !h.claimEnd() {
		return false, nil
	}
	if r.Body.Kind() == h1.UntilClose {
		return true, io.EOF
	}
	return true, f.Write([]byte(lastChunk))
}

// claimEnd makes the response that is being relayed the last one, unless others are outstanding.
func (h *http1Conn) claimEnd() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.notice.due.Store(false)
	if h.ledger.len() > 1 || h.answering {
		return false
	}
	h.life.closing = true
	h.life.end(endedDrain)
	h.broadcastLocked()
	return true
}
