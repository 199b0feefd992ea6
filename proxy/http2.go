package proxy

import (
	"sync/atomic"
	"time"

	"lameduck/proxy/h1"
	"lameduck/proxy/h2"
)

// An http2Conn relays HTTP/2 frames and counts the streams that are in flight. In a drain the
// direction from the app inserts GOAWAY frames of its own, see http2_goaway.go.
type http2Conn struct {
	base
	side      [2]frameSide  // each owned by its direction
	reader    requestReader // owned by the direction from the client
	uploading atomic.Bool   // there are uploads among the streams

	// Guarded by mu.
	streams streams
	senders map[uint32]sender // of health probes that have been read and not begun
	expiry  *time.Timer       // of the uploads, or nil if there has been none
	goAway  goAwayProgress
}

func newHTTP2(c *conn) *http2Conn {
	return &http2Conn{base: base{c}, streams: newStreams(h2.MaxStream)}
}

// A frameSide is the state of the frames of one direction.
type frameSide struct {
	payload h1.Body     // the rest of the current frame
	begun   bool        // the client's preface has been relayed, or the app's first frame
	block   bool        // only CONTINUATION may follow
	frame   h2.Header   // the current one
	ending  h2.Header   // HEADERS that end a stream, and whose block is incomplete
	opened  []uint32    // streams that begin, or are promised, in frames that have not been written
	ended   []h2.Header // frames that end streams, and have not been written
}

// batch is the maximum number of frames that a frameSide records between two writes.
const batch = 64

// continueLocked makes the request that has switched to HTTP/2 its first stream (RFC 7540 section
// 3.2).
func (h *http2Conn) continueLocked() {
	if h.streams.begin(1) {
		h.ledger.begin(exchange{})
	}
	h.streams.end(1, fromClient, time.Now())
}

func (h *http2Conn) streamsLocked() int    { return h.streams.len() }
func (h *http2Conn) unansweredLocked() int { return h.streams.unanswered() }

func (h *http2Conn) noticeDelayLocked() (after, spread time.Duration) {
	if h.notice.newcomer {
		return newcomerStay, newcomerStay
	}
	return 0, noticeSpread
}

func (h *http2Conn) closeLocked() {
	if h.expiry != nil {
		h.expiry.Stop()
	}
	for range h.streams.clear() {
		h.endStreamLocked()
	}
}

// dropFrame removes a frame.
func (h *http2Conn) dropFrame(d direction, size int) error {
	if err := h.flushFrames(d); err != nil {
		return err
	}
	return h.flow(d).Replace(size, nil)
}

// noteOpened records the stream that a frame opens or promises, if it does. The next flush accounts
// for it.
func (h *http2Conn) noteOpened(d direction, frame h2.Header, promised uint32) error {
	side := &h.side[d]
	if len(side.opened) == batch || len(side.ended) == batch {
		if err := h.flushFrames(d); err != nil {
			return err
		}
	}
	switch {
	case d == fromClient && frame.Type == h2.Headers:
		side.opened = append(side.opened, frame.Stream)
	case promised > 0:
		side.opened = append(side.opened, promised)
	}
	return nil
}

// finishFrame records the end of the current frame, if there is one. A stream that ends with HEADERS
// ends with the last CONTINUATION of its block (RFC 9113 section 8.1).
func (s *frameSide) finishFrame() {
	frame := s.frame
	s.frame = h2.Header{}
	switch {
	case s.block && frame.EndStream():
		s.ending = frame
	case frame.EndStream() || frame.Type == h2.RSTStream:
		s.ended = append(s.ended, frame)
	case frame.Type == h2.Continuation && !s.block && s.ending.EndStream():
		s.ended = append(s.ended, s.ending)
		s.ending = h2.Header{}
	}
}

// flushFrames writes what has been passed and accounts for the streams: a new one before its first
// byte is written, one that ends after its last.
func (h *http2Conn) flushFrames(d direction) error {
	side := &h.side[d]
	if len(side.opened) > 0 {
		h.openStreams(d, side.opened)
		side.opened = side.opened[:0]
	}
	if err := h.flow(d).Flush(); err != nil {
		return err
	}
	if len(side.ended) > 0 {
		h.endStreams(d, side.ended)
		side.ended = side.ended[:0]
	}
	return nil
}

// openStreams accounts for streams that the client opens or the app promises.
func (h *http2Conn) openStreams(d direction, ids []uint32) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := &h.streams
	for _, id := range ids {
		for d == fromClient && s.len() >= maxStreams && h.life.states[fromApp] != done {
			h.waitLocked()
		}
		if d == fromClient && s.begin(id) || d == fromApp && s.promise(id) {
			h.beginStreamLocked(id, h.senders[id])
		}
		delete(h.senders, id)
	}
}

// beginStreamLocked accounts for a stream that has been recorded.
func (h *http2Conn) beginStreamLocked(id uint32, from sender) {
	if from.probe {
		h.streams.markProbe(id)
		h.ledger.note(from)
	}
	h.ledger.begin(exchange{probe: from.probe})
}

// endStreamLocked accounts for one of the streams that are over.
func (h *http2Conn) endStreamLocked() { h.ledger.end(exchange{probe: h.streams.endsProbe()}, 0) }

// endStreams accounts for frames of one side that end streams.
func (h *http2Conn) endStreams(d direction, frames []h2.Header) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now, over := time.Now(), 0
	for _, f := range frames {
		if f.Type == h2.RSTStream && h.streams.reset(f.Stream) ||
			f.Type != h2.RSTStream && h.streams.end(f.Stream, d, now) {
			over++
		}
	}
	h.endLocked(over)
	h.watchUploadsLocked(uploadSilence)
}

// endLocked accounts for n streams that are over.
func (h *http2Conn) endLocked(n int) {
	for range n {
		h.endStreamLocked()
	}
	h.broadcastLocked()
	h.closeSoonLocked()
}

// isUpload reports whether the current frame of a direction may be a part of an upload.
func (h *http2Conn) isUpload(d direction) bool {
	return d == fromClient && h.uploading.Load() && h.side[d].frame.Type == h2.Data
}

// noteUpload records that the client has sent a part of a request.
func (h *http2Conn) noteUpload(id uint32) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.streams.move(id, time.Now())
}

// watchUploadsLocked starts the timer after which silent uploads expire.
func (h *http2Conn) watchUploadsLocked(after time.Duration) {
	has := len(h.streams.uploads) > 0
	switch had := h.uploading.Swap(has); {
	case had || !has:
	case h.expiry == nil:
		h.expiry = time.AfterFunc(after, h.expireUploads)
	default:
		h.expiry.Reset(after)
	}
}

// expireUploads ends the uploads that have been silent for too long.
func (h *http2Conn) expireUploads() {
	h.mu.Lock()
	defer h.mu.Unlock()
	over, next := h.streams.expire(time.Now())
	h.endLocked(over)
	h.uploading.Store(false)
	h.watchUploadsLocked(next)
}

// A goAwayState is the progress of the two-phase GOAWAY (RFC 9113 section 6.8).
type goAwayState uint8

const (
	goAwayNone   goAwayState = iota // leads to goAwayNotice
	goAwayNotice                    // a GOAWAY that refuses no stream has been sent; leads to goAwayFinal
	goAwayFinal                     // a GOAWAY with the last stream has been sent; leads nowhere
)

// A goAwayProgress is the state of the GOAWAY of a connection. It is guarded by conn.mu.
type goAwayProgress struct {
	state   goAwayState
	ping    [8]byte   // payload of our PING
	pinging bool      // our PING has not been answered
	highest uint32    // stream that the client had opened when finalDelay began
	limit   time.Time // of finalDelay
}
