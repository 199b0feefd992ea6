package proxy

import (
	"syscall"
	"time"

	"lameduck/proxy/pump"
	"lameduck/proxy/tlsterm"
)

// An idle connection is parked: both its goroutines end, which are most of its memory. The parker
// starts them again as soon as either side sends or ends. A direction parks only while it waits
// with nothing buffered and no deadline is running, because a deadline needs a reader. The other
// one may still be busy, for example with a write to a side that does not read. TLS may hold part
// of a record meanwhile: the rest of the record wakes the connection.

// await waits between two messages for the first bytes of the next one.
func (c *conn) await(d direction) outcome {
	for {
		err := c.flow(d).Fill()
		if err == nil {
			return proceed
		}
		if o := c.retry(d, err); o.stops() {
			return o
		}
	}
}

// retry classifies the error of a read that can be repeated. The direction goes on if there is
// none, or if the read was only interrupted. It is called for every frame: only a timeout is worth
// a look at the clock.
func (c *conn) retry(d direction, err error) outcome {
	if err == nil || !isTimeout(err) || isWrite(err) {
		return endedBy(err)
	}
	return c.retryAt(time.Now(), d, err)
}

// retryAt classifies a timeout of a read at a given time.
func (c *conn) retryAt(now time.Time, d direction, err error) outcome {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.parking.wanted && len(c.flow(d).Pending()) == 0 && !c.isLimitedLocked() {
		c.parkLocked(d)
		return outcome{verdict: idling}
	}
	c.unparkLocked()
	switch {
	case d == fromClient && c.stale:
		return outcome{verdict: stale}
	case c.parking.interrupted[d] && !c.life.final:
		c.clearInterruptLocked(d)
		return proceed
	case !c.flow(d).Deadline.Passed(now):
		return proceed // the parking was called off
	case d == fromClient && c.extendLingerLocked():
		return proceed
	}
	return endedBy(err)
}

// isLimitedLocked reports whether a limit is set on how long the connection waits.
func (c *conn) isLimitedLocked() bool {
	return c.requests.Deadline.Running() || c.responses.Deadline.Running()
}

// parkLocked parks a direction, and lets the parker watch the side that it reads from.
func (c *conn) parkLocked(d direction) {
	c.life.states[d] = parked
	source, app := c.descriptors()
	if d == fromApp {
		source = app
	}
	token := c.server.parker.add(c, source, c.parking.token)
	if token == 0 {
		c.unparkLocked()
		return
	}
	c.parking.token = token
}

// parkedSourcesLocked returns the sides that parked directions read from. A side whose direction is not
// parked is nil: a [clientWatch] may be watching it.
func parkedSourcesLocked(c *conn) (client, app syscall.RawConn) {
	client, app = c.descriptors()
	if c.life.states[fromClient] != parked {
		client = nil
	}
	if c.life.states[fromApp] != parked {
		app = nil
	}
	return client, app
}

// descriptors returns access to the descriptors of both sides, or nil for a side without one.
func (c *conn) descriptors() (client, app syscall.RawConn) {
	return pump.RawOf(tlsterm.Beneath(c.client)), pump.RawOf(tlsterm.Beneath(c.app))
}

// parkable reports whether both sides have a descriptor for the parker to wait for.
func (c *conn) parkable() bool {
	client, app := c.descriptors()
	return client != nil && app != nil
}

// wake starts the directions that are parked.
func (c *conn) wake() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unparkLocked()
}

func (c *conn) unparkLocked() {
	p := &c.parking
	if !p.wanted {
		return
	}
	p.wanted = false
	if p.token != 0 {
		client, app := parkedSourcesLocked(c)
		c.server.parker.remove(p.token, client, app)
		p.token = 0
	}
	c.requests.Deadline.Calm()
	c.responses.Deadline.Calm()
	for d := range c.life.states {
		if c.life.states[d] == parked {
			c.life.states[d] = relaying
			go c.run(direction(d))
		}
	}
}

// interruptLocked makes the read of a direction return. It does nothing if the connection is ending
// anyway.
func (c *conn) interruptLocked(d direction) {
	if c.life.final || c.life.states[d] == done {
		return
	}
	c.unparkLocked()
	c.parking.interrupted[d] = true
	c.flow(d).Deadline.Rouse()
}

// clearInterruptLocked revokes an interruption.
func (c *conn) clearInterruptLocked(d direction) {
	if c.parking.interrupted[d] && !c.life.final {
		c.parking.interrupted[d] = false
		c.flow(d).Deadline.Calm()
	}
}
