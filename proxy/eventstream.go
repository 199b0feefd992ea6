package proxy

import (
	"io"

	"lameduck/proxy/h1"
)

// lastChunk ends a chunked body without trailers (RFC 9112 section 7.1).
const lastChunk = "0\r\n\r\n"

// copyResponse passes on the body of a response: event by event if the stream may end early, otherwise
// at one go.
func (c *conn) copyResponse(r *h1.Response) error {
	if !r.EventStream || c.server.config.KeepEventStreams || !reconnects(r, c.answers()) {
		return c.responses.CopyBody(&r.Body)
	}
	c.setEvents(true)
	defer c.setEvents(false)
	return c.copyEvents(r)
}

// reconnects reports whether the client of an exchange asks again for a response that has ended early,
// so that nothing is lost. Only an EventSource does, and only if the status is 200 (HTML standard,
// section 9.2.3). Any other event stream is a long answer, for example to a POST, and its early end
// would make a part look like the whole.
func reconnects(r *h1.Response, e exchange) bool {
	return e.eventSource && r.Status == 200 && !r.Body.Done()
}

// answers returns the exchange whose response is being passed on.
func (c *conn) answers() exchange {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.outstanding.front()
}

func (c *conn) setEvents(on bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.events = on; on {
		c.scheduleLeave()
		return
	}
	if c.leaving != nil {
		c.leaving.Stop()
		c.leaving = nil
	}
	c.due.Store(false)
	c.calm(fromApp)
}

// copyEvents is [pump.Flow.CopyBody] for the event stream of an EventSource. When the client is due to
// be told to leave, the stream ends between two events.
func (c *conn) copyEvents(r *h1.Response) error {
	f, body := &c.responses, &r.Body
	var events h1.Events
	for !body.Done() {
		if c.due.Load() && body.Between() && events.Between() {
			if ended, err := c.endEvents(r); ended {
				return err
			}
		}
		if len(f.Pending()) == 0 {
			if err := c.retry(fromApp, f.Fill()); err != nil {
				return err
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

// endEvents ends the stream in the app's place, and with it the connection. False: others wait for their turn behind it.
func (c *conn) endEvents(r *h1.Response) (ended bool, err error) {
	f := &c.responses
	if err := f.Flush(); err != nil {
		return true, err
	}
	if !c.claimEnd() {
		return false, nil
	}
	if r.Body.Kind() == h1.UntilClose {
		return true, io.EOF
	}
	return true, f.Write([]byte(lastChunk))
}

// claimEnd makes the response that is being passed on the last one, unless others are outstanding.
func (c *conn) claimEnd() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.due.Store(false)
	if c.outstanding.len() > 1 || c.answering {
		return false
	}
	c.closing = true
	if c.ending == endedOpen {
		c.ending = endedTold
	}
	c.tell()
	return true
}
