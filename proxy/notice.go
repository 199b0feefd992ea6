package proxy

import (
	"math/rand/v2"
	"time"
)

// HTTP/1 clients are asked to disconnect in a response. Clients of long-lived protocols are asked
// by a notice of their own: a GOAWAY, a close frame, the end of an event stream. A timer for each
// connection spreads the notices, so that not all clients reconnect in the same second. It
// interrupts the read of the direction from the app, which knows where the notice may be inserted:
// between two frames, messages or events.

// noticeSpread is the period over which HTTP/2 connections get their notice at the start of a
// drain.
const noticeSpread = time.Second

// newcomerStay is the minimum life of an HTTP/2 connection that is accepted while draining. Its
// client has been routed here by a load balancer that does not know of the drain, and would be
// routed here again.
const newcomerStay = 5 * time.Second

// scheduleNoticeLocked starts the timer, if the server drains and the protocol has a notice.
func (c *conn) scheduleNoticeLocked() {
	if c.notice.timer != nil || !c.server.draining() || c.life.states[fromApp] == done {
		return
	}
	if after, spread := c.relayer.noticeDelayLocked(); spread > 0 {
		c.notice.timer = time.AfterFunc(after+rand.N(spread), c.sendNotice)
	}
}

// sendNotice makes the direction from the app send the notice.
func (c *conn) sendNotice() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sendNoticeLocked()
}

func (c *conn) sendNoticeLocked() {
	c.notice.due.Store(true)
	c.interruptLocked(fromApp)
}

// drain schedules the notice of a connection if the server drains and its protocol is known.
func (c *conn) drain() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.scheduleNoticeLocked()
}
