package proxy

import (
	"errors"
	"time"
)

// An idle connection is parked: both its goroutines end, which are most of its memory, and the parker starts them again as
// soon as either side sends or ends. The relay itself knows nothing of that but for the place where it may happen: await,
// between two messages.

// parkAfter is the time between two sweeps. A connection without a request between two of them is parked.
const parkAfter = 2 * time.Second

// errParked ends the goroutine of a direction that is parked.
var errParked = errors.New("parked")

// await waits between two messages for the first bytes of the next one. errParked: for so long that the direction is
// parked.
func (c *conn) await(d direction) error {
	f := &c.requests
	if d == fromApp {
		f = &c.responses
	}
	for {
		err := f.fill()
		if !isTimeout(err) {
			return err
		}
		if parked, final := c.timedOut(d); parked {
			return errParked
		} else if final {
			return err
		}
	}
}

// timedOut settles what a deadline that has passed between two messages was for: for parking, for the end of the
// connection, or, neither, for a parking that was called off.
func (c *conn) timedOut(d direction) (park, final bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.parking {
		c.states[d] = parked
		if c.states[1-d] == parked {
			c.token = c.server.parker.add(c)
			if c.token == 0 {
				c.unpark()
			}
		}
		return true, false
	}
	limited := c.requests.limit.Load() > 0 || c.responses.limit.Load() > 0
	return false, c.hurried || limited || c.states[1-d] == done
}

// sweep parks the connection if it is idle and has been since the last sweep.
func (c *conn) sweep() {
	c.mu.Lock()
	defer c.mu.Unlock()
	idle := !c.used && c.outstanding.len() == 0 && c.request == nothing && c.protocol == http1
	c.used = false
	if !idle || c.parking || c.closing || c.states != [2]state{} || !c.parkable() {
		return
	}
	c.parking = true
	past := time.Unix(1, 0)
	_ = c.client.SetReadDeadline(past)
	_ = c.app.SetReadDeadline(past)
}

// parkable tells whether both sides have a descriptor for the parker to wait for.
func (c *conn) parkable() bool { return c.requests.raw != nil && c.responses.raw != nil }

// wake starts the directions again that are parked.
func (c *conn) wake() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unpark()
}

// unpark is wake for a caller that holds mu.
func (c *conn) unpark() {
	if !c.parking {
		return
	}
	c.parking = false
	if c.token != 0 {
		c.server.parker.remove(c)
		c.token = 0
	}
	_ = c.client.SetReadDeadline(time.Time{})
	_ = c.app.SetReadDeadline(time.Time{})
	for d := range c.states {
		if c.states[d] == parked {
			c.states[d] = running
			go c.run(direction(d))
		}
	}
}
