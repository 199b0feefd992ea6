package proxy

import "lameduck/lifecycle/silence"

// current returns the relayer of the protocol that is spoken now.
func (c *conn) current() relayer {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.relayer
}

// speaks returns the protocol that is spoken now.
func (c *conn) speaks() protocol {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.protocol
}

// speakLocked changes the protocol. HTTP/1 keeps its state when a request that might have switched
// did not.
func (c *conn) speakLocked(p protocol) {
	if p != http1 || c.protocol == unknown {
		c.relayer = c.newRelayer(c, p)
	}
	c.protocol = p
	if p == tcp {
		c.ledger.raiseClass(silence.Unknown)
		c.pushLocked(exchange{}) // in flight until the connection ends
	}
	c.broadcastLocked()
	c.scheduleNoticeLocked()
}

// pushLocked accounts for an exchange that is answered after those before it.
func (c *conn) pushLocked(e exchange) {
	c.used.Store(true)
	c.unparkLocked()
	c.ledger.push(e)
}

// setProgress records the progress of a request, and keeps the connection from being parked.
func (c *conn) setProgress(p progress) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.request.Store(uint32(p))
	c.unparkLocked()
}
