package proxy

import (
	"errors"
	"io"
	"time"

	"go.uber.org/zap"

	"lameduck/proxy/pump"
)

// endUploadLocked ends the upload, if there is one.
func (c *conn) endUploadLocked() {
	c.upload.end(&c.ledger)
	c.upload = nil
}

// endBy records what ended the connection, unless that is known.
func (c *conn) endBy(e ending) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.life.end(e)
}

func (c *conn) isClosing() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.life.closing
}

// limitSilence limits the time from one byte to the next of a flow's source, beginning now.
func (c *conn) limitSilence(f *pump.Flow, d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unparkLocked()
	f.Deadline.LimitSilence(d)
}

// lingerLocked limits the time until the client closes its side. A client that keeps sending does
// not extend it.
func (c *conn) lingerLocked() {
	c.unparkLocked()
	c.requests.Deadline.LimitLinger(time.Now().Add(lingerTimeout))
}

// errHeadTimeout reports that the client has begun a head and not completed it in time.
var errHeadTimeout = errors.New("head not complete in time")

// limitHead limits a read from the client to the time that a head may take. It returns
// errHeadTimeout if the read failed because of that.
func (c *conn) limitHead(read func() error) error {
	if timeout := c.server.config.HeaderTimeout; timeout > 0 {
		c.setHeadDeadline(time.Now().Add(timeout))
		defer c.setHeadDeadline(time.Time{})
	}
	err := read()
	if isTimeout(err) && !c.isClosing() {
		return errHeadTimeout
	}
	return err
}

// setHeadDeadline sets the time until which the client has to complete a head. The zero time
// removes the limit.
func (c *conn) setHeadDeadline(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.life.states[fromApp] == done {
		return // the client has its time to close
	}
	c.unparkLocked()
	c.requests.Deadline.LimitHead(t)
}

// abort resets both connections.
func (c *conn) abort() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.abortLocked()
}

func (c *conn) abortLocked() {
	c.unparkLocked()
	reset(c.client)
	if c.app != nil {
		reset(c.app)
	}
}

// reset closes a connection with an RST.
func reset(c Conn) {
	if l, ok := c.(interface{ SetLinger(seconds int) error }); ok {
		_ = l.SetLinger(0)
	}
	_ = c.Close()
}

// limitAll gives the connection at most d to end. Nothing extends that.
func (c *conn) limitAll(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.limitAllLocked(d)
}

func (c *conn) limitAllLocked(d time.Duration) {
	c.unparkLocked()
	c.life.final = true
	deadline := time.Now().Add(d)
	c.requests.Deadline.LimitAll(deadline)
	c.responses.Deadline.LimitAll(deadline)
	for _, side := range []Conn{c.client, c.app} {
		if side != nil {
			_ = side.SetWriteDeadline(deadline)
		}
	}
}

// logEnd logs an end that is not an ordinary one.
func (c *conn) logEnd(message string, err error) {
	if err == nil || isOrdinary(err) || errors.Is(err, io.EOF) {
		return
	}
	if entry := c.server.log.Check(zap.WarnLevel, message); entry != nil {
		entry.Write(zap.Stringer("client", c.client.RemoteAddr()), zap.Error(err))
	}
}
