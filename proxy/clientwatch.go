package proxy

import (
	"syscall"
	"time"

	"lameduck/proxy/pump"
	"lameduck/proxy/tlsterm"
)

// The direction from the client sometimes waits for the app with buffered bytes that must not be
// relayed yet, and reads nothing in the meantime. The state of the client's connection shows
// whether it leaves, as while the app is dialed, see departure.go.

// A clientWatch watches a client while the direction from it waits. It is guarded by conn.mu. A nil
// clientWatch, for a client that cannot be watched, does nothing.
type clientWatch struct {
	conn    *conn
	client  syscall.RawConn
	timer   *time.Timer
	waiting bool   // the direction waits
	token   uint64 // of the parker, or 0 if the client is not watched
	ended   bool   // the client has ended its side
}

// newClientWatch returns nil if the client cannot be watched.
func newClientWatch(c *conn) *clientWatch {
	raw := pump.RawOf(tlsterm.Beneath(c.client))
	if raw == nil {
		return nil
	}
	w := &clientWatch{conn: c, client: raw}
	w.timer = time.AfterFunc(usualDial, w.begin)
	return w
}

// waitLocked waits for a change of the direction from the app. The caller, the direction from the
// client, looks at the state again.
func (c *conn) waitLocked() {
	if c.watch == nil {
		c.watch = newClientWatch(c)
	}
	c.waiting = true
	c.watch.startLocked()
	c.changed.Wait()
	c.watch.stopLocked()
	c.waiting = false
}

func (w *clientWatch) startLocked() {
	if w != nil {
		w.waiting = true
		w.timer.Reset(usualDial) // most waits are over by then
	}
}

func (w *clientWatch) stopLocked() {
	if w == nil {
		return
	}
	w.waiting = false
	w.timer.Stop()
	if w.token != 0 {
		w.conn.server.parker.unwatch(w.client, w.token)
		w.token = 0
	}
}

// begin watches the client of a wait that lasts.
func (w *clientWatch) begin() {
	c := w.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	if w.waiting && w.token == 0 {
		c.server.parker.run()
		w.token = c.server.parker.watchEnd(w.client, w.look)
	}
}

// look finds out how the client has ended its side.
func (w *clientWatch) look() {
	if w.hasReset() {
		closer{w.conn}.endReset()
	}
}

// hasReset reports whether the client has reset its connection. A client that has only ended its
// side may wait for answers: the direction that waits is woken, and the client is watched further.
func (w *clientWatch) hasReset() bool {
	c := w.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	if w.token == 0 {
		return false
	}
	if endOfPeer(w.client) == peerGone {
		return true
	}
	if !w.ended {
		w.ended = true
		c.broadcastLocked()
	}
	c.server.parker.watchReset(w.client, w.token)
	return false
}

// hasEndedLocked reports whether the client is known to have ended its side.
func (w *clientWatch) hasEndedLocked() bool { return w != nil && w.ended }
