package proxy

import (
	"encoding/binary"
	"math/rand/v2"
	"time"

	"lameduck/proxy/h2"
)

// finalDelay is the time from the answer to our PING to the final GOAWAY: a client may have
// answered before another part of it has processed the notice. Without an answer there is no final
// GOAWAY, however long that takes. What the client opens until it has seen the notice is relayed,
// and a last stream below that would make it retry those requests elsewhere.
const finalDelay = time.Second

// sendGoAway sends the next GOAWAY. The outcome is lastSent if that was the final one and no stream
// is open.
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

// nextGoAway returns the frames to send now, and whether the connection is over with them: first a
// GOAWAY that refuses no stream, with a PING; then, some time after the client has answered that, a
// GOAWAY with the last stream that has been relayed.
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
		g.state = goAwayFinal
		h.refuseLocked(h.streams.highest)
		frames = h2.AppendGoAway(nil, h.streams.last)
	}
	return frames, h.streams.len() == 0
}

// acknowledgesNotice reports whether the payload of a PING's answer is that of our PING, which the
// app has not sent.
func (h *http2Conn) acknowledgesNotice(payload []byte) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	g := &h.goAway
	if !g.pinging || string(payload) != string(g.ping[:]) {
		return false
	}
	g.pinging = false
	if g.state == goAwayNotice {
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

// refuseLocked accounts for a GOAWAY with this last stream. The streams above it are not waited
// for: the client may retry them elsewhere.
func (h *http2Conn) refuseLocked(last uint32) {
	for range h.streams.refuse(last) {
		h.endStreamLocked()
	}
	h.broadcastLocked()
}
