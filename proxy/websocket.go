package proxy

import (
	"encoding/binary"
	"io"
	"math/rand/v2"

	"lameduck/proxy/h1"
	"lameduck/proxy/ws"
)

// messages is what is known of a WebSocket connection.
type messages struct {
	side [2]messageSide // each owned by its direction

	// Guarded by conn.mu.
	closed [2]bool // the direction's side has sent a close frame, which has been passed on
	told   bool    // we have sent the client a close frame
}

// A messageSide is how far the frames of one direction have come.
type messageSide struct {
	messages ws.Messages
	payload  h1.Body // what is left of the current frame's
	muted    bool    // nothing more is passed on
}

// relayMessages passes frames on as they come, until the source has ended. While draining it closes between two messages of
// the app's: with a close frame to the client, behind which nothing more of the app's is passed on, while everything that the client still
// says is, its own close frame at the end of it.
func (c *conn) relayMessages(d direction) error {
	f, side := c.flow(d), &c.ws.side[d]
	begun := false // a part of the next header is in hand
	for !side.muted {
		if err := f.CopyBody(&side.payload); err != nil {
			if err := c.retry(d, err); err != nil {
				return c.endMessages(d, err)
			}
			continue
		}
		h, err := ws.ParseHeader(f.Pending())
		begun = begun || h.Size == 0 && len(f.Pending()) > 0
		switch {
		case err != nil:
			return c.giveUp(d)
		case d == fromApp && c.due.Load() && side.messages.Between() && !begun:
			if err := c.sayGoingAway(); err != nil {
				return err
			}
			continue
		case h.Size == 0:
			if err := c.retry(d, f.Fill()); err != nil {
				return c.endMessages(d, err)
			}
			if c.speaks() != websocket {
				return errSpeaks
			}
			c.used.Store(true)
			continue
		}
		side.messages.Next(h)
		if h.Opcode == ws.Close {
			c.noteClose(d)
		}
		f.Pass(h.Size)
		begun = false
		side.payload = h1.FixedBody(h.Length)
	}
	for {
		f.Discard()
		if err := c.retry(d, f.Fill()); err != nil {
			return err
		}
	}
}

// giveUp goes on without following the frames: the two ends will know what to make of an impossible one.
func (c *conn) giveUp(d direction) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.leaving != nil {
		c.leaving.Stop()
	}
	c.due.Store(false)
	c.speak(tunnel)
	if c.inFlight() == 0 {
		c.account(exchange{})
	}
	c.interrupt(1 - d)
	return errSpeaks
}

// noteClose notes that a close frame is about to be passed on. After the answer to ours nothing but the end is to come.
func (c *conn) noteClose(d direction) {
	c.mu.Lock()
	c.ws.closed[d] = true
	told := c.ws.told
	c.mu.Unlock()
	if told {
		c.hurry(lingerTimeout)
	}
}

// sayGoingAway sends the client a close frame (RFC 6455 section 7.4.1: 1001), unless one has been sent in either direction,
// and mutes the app.
func (c *conn) sayGoingAway() error {
	c.due.Store(false)
	if !c.claimClose() {
		return nil
	}
	f := &c.responses
	if err := f.Replace(0, ws.AppendClose(nil, ws.GoingAway)); err != nil {
		return err
	}
	c.ws.side[fromApp].muted = true
	c.limitSilence(&c.requests, lingerTimeout)
	return nil
}

// claimClose settles that the next close frame is ours.
func (c *conn) claimClose() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ws.closed[fromClient] || c.ws.closed[fromApp] || c.hurried {
		return false
	}
	c.ws.told = true
	if c.ending == endedOpen {
		c.ending = endedTold
	}
	return true
}

// endMessages prepares the end of a direction with err. Once the client has been told to leave, nothing but the end is
// expected of either side, and each gets a limited time for it.
func (c *conn) endMessages(d direction, err error) error {
	if d == fromApp || !c.isTold() {
		return err
	}
	switch {
	case err == io.EOF:
		c.hurry(lingerTimeout) // for the app
	case isTimeout(err):
		if err := c.answerForClient(); err != nil {
			return err
		}
		_ = c.app.CloseWrite()
		c.hurry(cutTimeout)
	}
	return err
}

// answerForClient sends the app the close frame that the client owes it, unless the client has sent one or has left within
// a message.
func (c *conn) answerForClient() error {
	f, side := &c.requests, &c.ws.side[fromClient]
	if c.hasClosed(fromClient) || !side.payload.Done() || !side.messages.Between() || len(f.Pending()) > 0 {
		return nil
	}
	var key [4]byte
	binary.BigEndian.PutUint32(key[:], rand.Uint32())
	return f.Replace(0, ws.AppendMaskedClose(nil, ws.GoingAway, key))
}

// isTold reports whether the client has been told to leave.
func (c *conn) isTold() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ws.told
}

// hasClosed reports whether a side has sent a close frame.
func (c *conn) hasClosed(d direction) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ws.closed[d]
}
