package proxy

import "lameduck/proxy/pump"

// What has been written is not delivered yet: a slow client may have megabytes of an answer still to come from the kernel, which drops
// them when the pod's network goes, or when the client says anything to a socket that has been closed.

// Undelivered returns how many connections have something on its way to a client that takes it: less of it than at the last call, or
// something for the first time.
func (s *Server) Undelivered() (n int) {
	for _, c := range s.all() {
		c.mu.Lock()
		if c.delivers(&c.seenByHold) {
			n++
		}
		c.mu.Unlock()
	}
	return n
}

// delivers tells whether something is on its way to the client, and whether there has been progress since the last time: each
// who asks has his own. The caller holds mu.
func (c *conn) delivers(last *int) bool {
	raw := pump.RawOf(beneath(c.client))
	if raw == nil {
		return false
	}
	before := *last
	_ = raw.Control(func(fd uintptr) { *last = unacknowledged(fd) })
	return *last > 0 && *last != before
}

// beneath returns the connection below TLS.
func beneath(c Conn) Conn {
	switch c := c.(type) {
	case *secured:
		return c.outer.Conn
	case *outer:
		return c.Conn
	}
	return c
}

// lingersOn gives a client that is to close its side more time while it takes what is on its way to it. The caller holds mu.
func (c *conn) lingersOn() bool {
	if c.hurried || c.states[fromApp] != done || !c.delivers(&c.seenByLinger) {
		return false
	}
	c.setLinger()
	return true
}
