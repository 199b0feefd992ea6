package proxy

import (
	"errors"
	"net"
)

// endedItself tells whether err, with which the direction from the app has ended, is the app's doing and none of ours.
func endedItself(err error) bool { return isEnd(err) && !errors.Is(err, net.ErrClosed) }

// noteUnanswered counts, while draining, the exchanges that an app leaves unanswered by ending the connection. What the client has given
// up, and what we have cut or refused, is none of the app's doing.
func (c *conn) noteUnanswered() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.server.draining() && c.states[fromClient] != done && (c.ending == endedOpen || c.ending == endedTold) {
		c.server.stats.drainUnanswered.Add(uint64(c.owed()))
	}
}

// owed returns how many exchanges the app has not answered whole, without health probes. A tunnel and a WebSocket have been
// answered, and streams beyond the app's GOAWAY have been refused. The caller holds mu.
func (c *conn) owed() (n int) {
	switch c.protocol {
	case http1, undecided:
		return c.outstanding.len() - c.outstanding.probes()
	case unframed:
		if c.activity.owed {
			return 1
		}
	case http2:
		return c.h2.streams.unanswered()
	}
	return n
}
