package proxy

import (
	"math/rand/v2"
	"time"
)

// A connection of a long-lived protocol is told to leave by a timer of its own, so that not all clients come back in the
// same second. The timer interrupts the direction from the app in its reading; that one knows where between two frames,
// messages or events the word may stand.

// noticeSpread is the time over which HTTP/2 connections are told at the drain's start.
const noticeSpread = time.Second

// newcomerStay is how long an HTTP/2 connection lives at least that is accepted while draining. Its client has been sent here by a
// load balancer that knows of nothing, and would be sent here again.
const newcomerStay = 5 * time.Second

// scheduleLeave has the connection told to leave in its turn if the server drains and the connection is of a kind that needs
// it. The caller holds mu.
func (c *conn) scheduleLeave() {
	if c.leaving != nil || !c.server.draining() || c.states[fromApp] == done {
		return
	}
	after, within := c.patience()
	if within > 0 {
		c.leaving = time.AfterFunc(after+rand.N(within), c.leave)
	}
}

// patience returns how long the connection is left alone, and over what time its like are spread; zero: for ever. The
// caller holds mu.
func (c *conn) patience() (after, within time.Duration) {
	switch {
	case c.protocol == http2 && c.newcomer:
		return newcomerStay, newcomerStay
	case c.protocol == http2:
		return 0, noticeSpread
	case c.protocol == websocket, c.events:
		return 0, max(c.server.config.TunnelSpread, 1)
	}
	return 0, 0
}

// leave makes the direction from the app tell the client to leave.
func (c *conn) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.due.Store(true)
	c.interrupt(fromApp)
}

// interrupt makes a direction look up from its reading, and does nothing where the connection is ending anyway. The caller holds mu.
func (c *conn) interrupt(d direction) {
	if c.hurried || c.states[d] == done {
		return
	}
	c.unpark()
	c.interrupted[d] = true
	c.flow(d).Deadline.Rouse()
}

// calm takes an interruption back. The caller holds mu.
func (c *conn) calm(d direction) {
	if c.interrupted[d] && !c.hurried {
		c.interrupted[d] = false
		c.flow(d).Deadline.Calm()
	}
}

// draining has the connection told to leave in its turn.
func (c *conn) draining() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.scheduleLeave()
}
