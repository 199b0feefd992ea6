package proxy

import (
	"time"

	"lameduck/proxy/h1"
)

// A client that sends Expect: 100-continue waits for a response before it sends the body. If the final
// response comes first (417, 401 or 413, for example) and the connection persists, it cannot be known
// what the client sends next: the body, which some clients send all the same, or its next request. A
// guess would take one for the other. So the connection is unframed from then on: bytes pass in both
// directions, and nothing looks for messages in them. Where that is avoidable it is avoided: behind a
// 100 the body follows, a body that has begun has to be sent to its end (RFC 9110 section 10.1.1), and
// where the connection ends with the exchange nothing but the body can follow.

// unframedQuiet is how long an unframed connection is silent before nothing counts as in flight on it.
const unframedQuiet = 5 * time.Second

// An activity is what is known of the exchanges of an unframed connection. One is in flight from the
// first byte that passes until the connection has been silent for unframedQuiet and no answer is owed.
// It guesses, and only the accounting follows from that.
type activity struct {
	open  bool // it is accounted as an exchange
	later bool // bytes have come behind the last response that was framed, which still passes
	owed  bool // what looks like a request has had no answer yet
	quiet *time.Timer
}

// mayWithholdBody reports whether the client of a request with this head may send its next request in
// the place of the body.
func mayWithholdBody(req *h1.Request, head []byte) bool {
	return req.Expects && !req.Body.Done() && h1.Persists(head)
}

// losesFraming reports whether it cannot be known what follows the request of an exchange once it has
// been answered with a response with this head.
func losesFraming(e exchange, resp *h1.Response, head []byte) bool {
	return e.withholds && resp.Body.Kind() != h1.UntilClose && h1.Persists(head)
}

// awaitBody waits behind the head of a request whose client may withhold the body. It reports whether
// the body follows: false, if the connection is unframed.
func (c *conn) awaitBody() (follows bool, err error) {
	f := &c.requests
	for len(f.Pending()) == 0 && c.speaks() != unframed {
		if err := c.retry(fromClient, f.Fill()); err != nil {
			return false, err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.protocol == unframed {
		return false, nil
	}
	c.outstanding.sendBody()
	return true, nil
}

// noteInterim accounts for an interim response to the oldest request.
func (c *conn) noteInterim(status int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.noteResponse()
	if status == 100 {
		c.outstanding.continueFront()
	}
}

// loseFraming makes the connection unframed. The caller holds mu.
func (c *conn) loseFraming() {
	c.request = nothing
	c.activity = &activity{}
	c.speak(unframed)
}

// relayUnframed relays bytes until the source has ended.
func (c *conn) relayUnframed(d direction) error {
	f := c.flow(d)
	body := h1.TunnelBody()
	for {
		if b := f.Pending(); len(b) > 0 {
			c.noteActivity(d, b)
			f.Pass(len(b))
		}
		err := f.More(&body)
		if err == nil && len(f.Pending()) == 0 {
			c.noteActivity(d, nil) // they have passed from kernel to kernel
		}
		if err := c.retry(d, err); err != nil {
			return err
		}
	}
}

// noteActivity accounts for bytes that pass, which begin with b.
func (c *conn) noteActivity(d direction, b []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.activity
	if d == fromApp {
		a.owed = false
	} else if h1.Recognize(b) == h1.Yes {
		a.owed = true
	}
	a.later = true
	c.accountActivity()
}

// accountActivity accounts for bytes that have passed, unless the last response that was framed is still
// passing. The caller holds mu.
func (c *conn) accountActivity() {
	a := c.activity
	if a == nil || !a.later || c.outstanding.len() > 0 && !a.open {
		return
	}
	a.later = false
	if !a.open {
		a.open = true
		c.account(exchange{})
	}
	if a.quiet == nil {
		a.quiet = time.AfterFunc(unframedQuiet, c.endActivity)
	} else {
		a.quiet.Reset(unframedQuiet)
	}
}

// endActivity ends what is in flight, unless an answer is owed.
func (c *conn) endActivity() {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.activity
	if a.open && !a.owed && c.outstanding.len() > 0 {
		a.open = false
		c.endExchange(c.outstanding.pop(), 0)
	}
}

// stop ends the watch over the activity of a connection that has ended.
func (a *activity) stop() {
	if a != nil && a.quiet != nil {
		a.quiet.Stop()
	}
}
