package proxy

import "runtime"

// run relays one direction until it ends, or the connection is parked or the app detached. The last
// direction to end ends the connection.
func (c *conn) run(d direction) {
	growStack()
	o := c.relay(d)
	if o.verdict == idling || o.verdict == detached {
		return
	}
	c.wake()
	if d == fromClient {
		closer{c}.endRequests(o)
	} else {
		closer{c}.endResponses(o)
	}
	c.flow(d).Release()
	if c.lastToEnd() {
		c.finish()
	}
}

// relay relays what comes from one side, in one protocol after the other.
func (c *conn) relay(d direction) outcome {
	for {
		if o := c.current().relay(d); o.verdict != switched {
			return o
		}
	}
}

// growStack grows the stack of a new goroutine at once, while there is next to nothing on it.
// Growing it in steps, each with a copy of all frames, is a fifth of the cost of a short
// connection.
//
//go:noinline
func growStack() {
	var room [2 << 10]byte
	runtime.KeepAlive(&room)
}

// finish ends the connection. The caller's goroutine is its last one.
func (c *conn) finish() {
	c.mu.Lock()
	c.notice.stop()
	c.watch.stopLocked()
	c.relayer.closeLocked()
	c.ledger.close()
	c.mu.Unlock()
	_ = c.client.Close()
	if c.app != nil {
		_ = c.app.Close()
	}
	c.finished(c)
}

// lastToEnd records that the goroutine of a direction ends for good, and reports whether it is the
// last.
func (c *conn) lastToEnd() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.life.left++
	return c.life.left == len(c.life.states)
}
