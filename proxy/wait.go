package proxy

import (
	"lameduck/proxy/pump"
	"lameduck/proxy/tlsterm"
)

// The direction from the client sometimes reads nothing for a while: it waits for the app with
// buffered bytes that must not be relayed yet, or the app reads nothing. The state of the client's
// connection then shows whether the client leaves, as it does while the app is dialed, see
// departure.go.

// waitLocked waits for a change of the direction from the app. The caller, the direction from the
// client, then checks the state again.
func (c *conn) waitLocked() {
	c.waiting = true
	c.watchClientLocked()
	c.changed.Wait()
	c.watch.stopLocked()
	c.waiting = false
}

// watchBlockedLocked watches the client while the app does not read what it sends. It is called
// with each sweep, so that writes that block only for a moment cost nothing.
func (c *conn) watchBlockedLocked() {
	switch {
	case c.waiting:
	case c.requests.Blocked():
		c.watchClientLocked()
	default:
		c.watch.stopLocked()
	}
}

// watchClientLocked watches the client, if it has a descriptor, until the watch is stopped.
func (c *conn) watchClientLocked() {
	if c.watch == nil {
		if raw := pump.RawOf(tlsterm.Beneath(c.client)); raw != nil {
			c.watch = &clientWatch{
				mu: &c.mu, parker: c.server.parker, client: raw,
				ended: c.broadcastLocked, reset: closer{c}.endReset,
			}
		}
	}
	c.watch.startLocked()
}

// sweep parks the connection if it has been idle since the last sweep.
func (c *conn) sweep() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.watchBlockedLocked()
	p := &c.parking
	switch {
	case c.used.Swap(false), !c.relayer.idleLocked(), c.isLimitedLocked(), !c.parkable():
		return
	case p.wanted || c.life.closing || c.life.states != [2]state{} || p.interrupted != [2]bool{}:
		return
	}
	p.wanted = true
	c.requests.Deadline.Rouse()
	c.responses.Deadline.Rouse()
}
