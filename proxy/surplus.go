package proxy

import (
	"bytes"
	"time"

	"go.uber.org/zap"

	"lameduck/proxy/h1"
)

// A surplus is what the app sends without having been asked: bytes behind a response, such as the body
// of a 204 or of an answer to HEAD, or a 408 on an idle connection. Empty lines are none; they pass
// like those in front of a request line. Any other surplus is relayed as a direct connection would
// deliver it, but what is a response from there on cannot be known. So the connection relays no further
// request, and ends.

// surplusSilence is how long the app is silent before its surplus is taken to be complete.
const surplusSilence = time.Second

// relaySurplus relays a surplus. It returns errClosing when the app has been silent for surplusSilence,
// or when the client has sent a request, which must not wait for an answer that never comes.
func (c *conn) relaySurplus() error {
	f := &c.responses
	c.logSurplus(f.Pending())
	if !c.beginSurplus() {
		return errClosing
	}
	for {
		f.Pass(len(f.Pending()))
		if err := f.Fill(); isTimeout(err) && !isWrite(err) {
			return errClosing
		} else if err != nil {
			return err
		}
	}
}

// beginSurplus stops further requests. It returns false if the direction from the client answers in the
// app's place. The silence of an app that has spoken before its client is not limited: the client may
// be about to answer it.
func (c *conn) beginSurplus() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closing, c.responding = true, true
	c.unpark()
	if c.refused {
		return false
	}
	c.states[fromApp] = surplus
	if c.protocol == http1 {
		c.responses.Deadline.LimitSilence(surplusSilence)
	}
	c.tell()
	return true
}

// endSurplus ends a surplus that the app is sending, if it is.
func (c *conn) endSurplus() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.states[fromApp] == surplus {
		c.interrupt(fromApp)
	}
}

// logSurplus logs a surplus. A whole response is an ordinary one: servers send a 408 when they close an
// idle connection.
func (c *conn) logSurplus(b []byte) {
	level := zap.WarnLevel
	if bytes.HasPrefix(b, []byte("HTTP/")) {
		level = zap.DebugLevel
	}
	if entry := c.server.log.Check(level, "app sent bytes without a request, connection ends"); entry != nil {
		entry.Write(zap.Stringer("app", c.app.RemoteAddr()), zap.Int("bytes", len(b)))
	}
}

// passEmptyLines passes on the empty lines in front of a status line, or behind the last response, and
// reports whether there were any, or more bytes are needed to know.
func (c *conn) passEmptyLines() (passed bool, err error) {
	f := &c.responses
	if n := h1.EmptyLines(f.Pending()); n > 0 {
		f.Pass(n)
		return true, nil
	}
	if string(f.Pending()) != "\r" {
		return false, nil
	}
	return true, c.retry(fromApp, f.Fill())
}
