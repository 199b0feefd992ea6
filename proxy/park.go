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
	f := c.flow(d)
	for {
		err := f.Fill()
		if err == nil {
			return nil
		}
		if err := c.retry(d, err); err != nil {
			return err
		}
	}
}

// retry classifies the error of a read that can be repeated. It returns nil for a read that was only roused, errParked
// if the direction is parked now, and err if a limit has been reached or the connection has broken.
func (c *conn) retry(d direction, err error) error { return c.retryAt(time.Now(), d, err) }

// retryAt is retry at a given time.
func (c *conn) retryAt(now time.Time, d direction, err error) error {
	if err == nil || !isTimeout(err) || isWrite(err) {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.parking && len(c.flow(d).Pending()) == 0 && !c.isLimited() {
		c.park(d)
		return errParked
	}
	c.unpark()
	if d == fromClient && c.isStale() {
		return errStale
	}
	if c.interrupted[d] && !c.hurried {
		c.calm(d)
		return nil
	}
	switch {
	case !c.flow(d).Deadline.Passed(now):
		return nil // a parking that was called off
	case d == fromClient && c.lingersOn():
		return nil
	}
	return err
}

// isLimited reports whether a limit is set on how long the connection waits. Such a connection is not parked: it would
// have no reader for which the time could run. The caller holds mu.
func (c *conn) isLimited() bool {
	return c.requests.Deadline.Running() || c.responses.Deadline.Running()
}

// park notes that a direction is parked, and has the parker watch the connection when both are. The caller holds mu.
func (c *conn) park(d direction) {
	c.states[d] = parked
	if c.states[1-d] == parked {
		c.token = c.server.parker.add(c)
		if c.token == 0 {
			c.unpark()
		}
	}
}

// sweep parks the connection if it is idle and has been since the last sweep.
func (c *conn) sweep() {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.used.Swap(false), !c.idle(), c.isLimited(), !c.parkable():
		return
	case c.parking || c.closing || c.states != [2]state{} || c.interrupted != [2]bool{}:
		return
	}
	c.parking = true
	c.requests.Deadline.Rouse()
	c.responses.Deadline.Rouse()
}

// idle tells whether both directions probably wait with nothing in hand. Those of a protocol that can be taken up anywhere may
// be tried at any time. The caller holds mu.
func (c *conn) idle() bool {
	switch c.protocol {
	case unknown, http1, unframed:
		return c.outstanding.len() == 0 && c.request == nothing
	case undecided:
		return false
	}
	return true
}

// parkable tells whether both sides have a descriptor for the parker to wait for.
func (c *conn) parkable() bool { return c.requests.Raw() != nil && c.responses.Raw() != nil }

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
	c.requests.Deadline.Calm()
	c.responses.Deadline.Calm()
	for d := range c.states {
		if c.states[d] == parked {
			c.states[d] = running
			go c.run(direction(d))
		}
	}
}
