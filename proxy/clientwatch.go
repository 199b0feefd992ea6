package proxy

import (
	"syscall"
	"time"
)

// A clientWatch watches a client while the direction from it reads nothing. It is guarded by the
// mutex of the connection. A nil clientWatch, for a client that cannot be watched, does nothing.
type clientWatch struct {
	mu      *mutex
	parker  *parker
	client  syscall.RawConn
	ended   func() // called with mu held when the client has ended its side
	reset   func() // called when it has reset the connection
	timer   *time.Timer
	waiting bool   // the direction reads nothing
	token   uint64 // of the parker, or 0 if the client is not watched
	hasFIN  bool   // the client has ended its side
}

// startLocked begins to watch the client, unless stopLocked is called soon.
func (w *clientWatch) startLocked() {
	switch {
	case w == nil:
	case w.timer == nil:
		w.waiting, w.timer = true, time.AfterFunc(usualDial, w.begin)
	default:
		w.waiting = true
		w.timer.Reset(usualDial)
	}
}

func (w *clientWatch) stopLocked() {
	if w == nil || !w.waiting {
		return
	}
	w.waiting = false
	w.timer.Stop()
	if w.token != 0 {
		w.parker.unwatch(w.client, w.token)
		w.token = 0
	}
}

func (w *clientWatch) begin() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.waiting && w.token == 0 {
		w.parker.run()
		w.token = w.parker.watchEnd(w.client, w.look)
	}
}

// look finds out how the client has ended its side.
func (w *clientWatch) look() {
	if w.hasReset() {
		w.reset()
	}
}

// hasReset reports whether the client has reset its connection. A client that has only closed its
// side may wait for responses, so the watch continues.
func (w *clientWatch) hasReset() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.token == 0 {
		return false
	}
	end, over := endOfPeer(w.client)
	if end == peerGone {
		return true
	}
	if !w.hasFIN {
		w.hasFIN = true
		w.ended()
	}
	if !over {
		w.parker.watchReset(w.client, w.token)
	}
	return false
}

// hasEndedLocked reports whether the client is known to have ended its side.
func (w *clientWatch) hasEndedLocked() bool { return w != nil && w.hasFIN }
