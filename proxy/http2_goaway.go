package proxy

import (
	"encoding/binary"
	"math/rand/v2"
	"time"

	"lameduck/proxy/h2"
)

// finalDelay is the time from the answer to our PING to the final GOAWAY: a client may have
// answered before another part of it has processed the notice. It begins again when the client
// opens a stream, but not beyond finalLimit. Without an answer there is no final GOAWAY, however
// long that takes. What the client opens until it has seen the notice is relayed, and a last stream
// below that would make it retry those requests elsewhere.
const (
	finalDelay = time.Second
	finalLimit = 5 * time.Second
)

// closeDelay is the time that the client has, after the final GOAWAY and its last response, to
// close the connection itself. If we closed at once while nginx still has to answer a PING of the
// app, nginx would treat the response as truncated.
const closeDelay = time.Second

// sendGoAway sends the next GOAWAY, if one is due. The outcome is lastSent if the connection is
// over.
func (h *http2Conn) sendGoAway() outcome {
	if err := h.flushFrames(fromApp); err != nil {
		return endedBy(err)
	}
	frames, over := h.nextGoAway()
	if err := h.responses.Replace(0, frames); err != nil {
		return endedBy(err)
	}
	if over {
		return outcome{verdict: lastSent}
	}
	return proceed
}

// nextGoAway returns the frames to send now, and whether the connection is over: first a GOAWAY
// that refuses no stream, with a PING; then, some time after the client has answered that, a GOAWAY
// with the last stream that has been relayed. The connection is over when no stream is open and the
// client has had its time to close it.
func (h *http2Conn) nextGoAway() (frames []byte, over bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.notice.due.Store(false)
	g := &h.goAway
	switch g.state {
	case goAwayNone:
		g.state, g.pinging = goAwayNotice, true
		binary.BigEndian.PutUint64(g.ping[:], rand.Uint64())
		h.life.end(endedDrain)
		return h2.AppendPing(h2.AppendGoAway(nil, h.streams.last), g.ping), false
	case goAwayNotice:
		if now := time.Now(); h.streams.highest != g.highest && now.Before(g.limit) {
			g.highest = h.streams.highest
			h.notice.timer.Reset(min(finalDelay, g.limit.Sub(now)))
			return nil, false
		}
		g.state = goAwayFinal
		h.refuseLocked(h.streams.highest)
		frames = h2.AppendGoAway(nil, h.streams.last)
		h.closeSoonLocked()
	case goAwayFinal:
		over = h.streams.len() == 0
	}
	return frames, over
}

// closeSoonLocked ends a connection without streams after the final GOAWAY, unless the client does.
func (h *http2Conn) closeSoonLocked() {
	if h.goAway.state == goAwayFinal && h.streams.len() == 0 {
		h.notice.timer.Reset(closeDelay)
	}
}

// acknowledgesNotice reports whether the payload of a PING acknowledgement is that of our PING, and
// not of one from the app.
func (h *http2Conn) acknowledgesNotice(payload []byte) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	g := &h.goAway
	if !g.pinging || string(payload) != string(g.ping[:]) {
		return false
	}
	g.pinging = false
	if g.state == goAwayNotice {
		g.highest, g.limit = h.streams.highest, time.Now().Add(finalLimit)
		h.notice.timer.Reset(finalDelay)
	}
	return true
}

// clampGoAway lowers the last stream of the app's GOAWAY to the lowest one that the client has been
// sent. Streams that were refused may have been retried elsewhere.
func (h *http2Conn) clampGoAway(frame []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if last := h2.LastStream(frame); last <= h.streams.last {
		h.refuseLocked(last)
	} else if h.goAway.state != goAwayNone {
		h2.SetLastStream(frame, h.streams.last)
	}
}

// refuseLocked accounts for a GOAWAY with this last stream. The streams above it are no longer in
// flight: the client may retry them elsewhere.
func (h *http2Conn) refuseLocked(last uint32) {
	for range h.streams.refuse(last) {
		h.endStreamLocked()
	}
	h.broadcastLocked()
}
