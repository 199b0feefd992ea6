package proxy

import (
	"encoding/binary"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"lameduck/proxy/h1"
	"lameduck/proxy/h2"
)

// goodbyeAfter is how long the final GOAWAY comes after the answer to our PING: a client may have answered before another part of it
// has heard the notice. Without an answer there is no final GOAWAY, however long that takes: what the client opens until it has
// heard the notice is passed on, and a last stream below that would have it made once more elsewhere.
const goodbyeAfter = time.Second

// http2State is what is known of an HTTP/2 connection.
type http2State struct {
	side      [2]frameSide // each owned by its direction
	uploading atomic.Bool  // there are uploads among the streams

	// Guarded by conn.mu.
	streams  streams
	expiry   *time.Timer // of the uploads; nil: there was none yet
	farewell farewell
	ping     [8]byte // of our PING
	pinging  bool    // it has not been answered
}

func newHTTP2() *http2State { return &http2State{streams: newStreams(h2.MaxStream)} }

// A farewell is how far the words of parting have come (RFC 9113 section 6.8).
type farewell uint8

const (
	unsaid  farewell = iota // leads to noticed
	noticed                 // a GOAWAY has been sent that refuses nothing; leads to final
	final                   // a GOAWAY has named the last stream; the connection ends with the last open one
)

// A frameSide is how far the frames of one direction have come.
type frameSide struct {
	payload h1.Body     // what is left of the current frame's
	begun   bool        // the client's preface has passed; the app's first frame has
	block   bool        // only CONTINUATION may follow
	frame   h2.Header   // the current one
	opened  []uint32    // streams that begin, or are promised, with frames that have not been written
	ended   []h2.Header // frames that end streams, and have not been written
}

// batch bounds what a frameSide remembers between two writes.
const batch = 64

// continueAsStream makes the request that has switched to HTTP/2 its first stream (RFC 7540 section 3.2). The caller holds mu.
func (c *conn) continueAsStream() {
	if c.h2.streams.begin(1) {
		c.beginExchange(exchange{})
	}
	c.h2.streams.end(1, fromClient, time.Now())
}

// relayFrames passes frames on as they come, until the source has ended, and counts the streams that are open. While
// draining the direction from the app puts GOAWAY frames of its own between them.
func (c *conn) relayFrames(d direction) error {
	f, side := c.flow(d), &c.h2.side[d]
	for {
		if !side.payload.Done() {
			if err := c.copyPayload(d); err != nil {
				return err
			}
			continue
		}
		side.complete()
		if d == fromApp && c.due.Load() && side.begun && !side.block {
			if err := c.sayGoAway(); err != nil {
				return err
			}
		}
		passed, err := c.passFrame(d)
		if err != nil {
			return err
		}
		if passed {
			continue
		}
		if err := c.flushFrames(d); err != nil {
			return err
		}
		if err := c.retry(d, f.Fill()); err != nil {
			return err
		}
		if c.speaks() != http2 {
			return errSpeaks
		}
		c.used.Store(true)
	}
}

// copyPayload passes on what is left of a frame's payload.
func (c *conn) copyPayload(d direction) error {
	f, side := c.flow(d), &c.h2.side[d]
	if int64(len(f.Pending())) < side.payload.Opaque() {
		if err := c.flushFrames(d); err != nil {
			return err
		}
	}
	if !c.isUpload(d) {
		return c.retry(d, f.CopyBody(&side.payload))
	}
	err := f.CopySome(&side.payload)
	if err == nil {
		c.noteUpload(side.frame.Stream)
	}
	return c.retry(d, err)
}

// passFrame passes the header of the next frame on, and what of the payload it has to look at. False: more bytes are needed.
func (c *conn) passFrame(d direction) (bool, error) {
	f, side := c.flow(d), &c.h2.side[d]
	if d == fromClient && !side.begun {
		return c.passPreface(d)
	}
	var promised uint32
	b := f.Pending()
	h, ok := h2.ParseHeader(b)
	if !ok {
		return false, nil
	}
	switch {
	case d == fromClient && h.PingAck():
		if len(b) < h2.PingSize {
			return false, nil
		}
		if c.answersPing(b[h2.HeaderSize:h2.PingSize]) {
			return true, c.dropFrame(d, h2.PingSize)
		}
	case d == fromApp && h.Type == h2.GoAway && h.Length >= h2.GoAwaySize-h2.HeaderSize:
		if len(b) < h2.GoAwaySize {
			return false, nil
		}
		c.lower(b)
	case d == fromApp && h.Type == h2.PushPromise:
		if len(b) < h.PromiseSize() {
			return false, nil
		}
		promised = h2.PromisedStream(b)
	}
	side.begun, side.block, side.frame = true, h.OpensBlock(), h
	if err := c.follow(d, h, promised); err != nil {
		return false, err
	}
	f.Pass(h2.HeaderSize)
	side.payload = h1.FixedBody(int64(h.Length))
	return true, nil
}

// passPreface passes on what the client says before its first frame. Without it, it is not HTTP/2 that is spoken.
func (c *conn) passPreface(d direction) (bool, error) {
	f := c.flow(d)
	b := f.Pending()
	n := min(len(b), len(h2.Preface))
	if string(b[:n]) != h2.Preface[:n] {
		return false, c.giveUp(d)
	}
	if n < len(h2.Preface) {
		return false, nil
	}
	f.Pass(n)
	c.h2.side[d].begun = true
	return true, nil
}

// dropFrame takes a frame out.
func (c *conn) dropFrame(d direction, size int) error {
	if err := c.flushFrames(d); err != nil {
		return err
	}
	return c.flow(d).Replace(size, nil)
}

// follow takes up the stream that a frame opens or promises, if it does. That takes effect with the next flush.
func (c *conn) follow(d direction, h h2.Header, promised uint32) error {
	side := &c.h2.side[d]
	if len(side.opened) == batch || len(side.ended) == batch {
		if err := c.flushFrames(d); err != nil {
			return err
		}
	}
	switch {
	case d == fromClient && h.Type == h2.Headers:
		side.opened = append(side.opened, h.Stream)
	case promised > 0:
		side.opened = append(side.opened, promised)
	}
	return nil
}

// complete takes up the end of the current frame, if there is one.
func (s *frameSide) complete() {
	if s.frame.EndStream() || s.frame.Type == h2.RSTStream {
		s.ended = append(s.ended, s.frame)
	}
	s.frame = h2.Header{}
}

// flushFrames writes what has been passed on, with the streams accounted for: a new one before its first byte is written, one that
// ends after its last.
func (c *conn) flushFrames(d direction) error {
	side := &c.h2.side[d]
	if len(side.opened) > 0 {
		c.openStreams(d, side.opened)
		side.opened = side.opened[:0]
	}
	if err := c.flow(d).Flush(); err != nil {
		return err
	}
	if len(side.ended) > 0 {
		c.endStreams(d, side.ended)
		side.ended = side.ended[:0]
	}
	return nil
}

// openStreams accounts for streams that the client opens or the app promises.
func (c *conn) openStreams(d direction, ids []uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := &c.h2.streams
	for _, id := range ids {
		for d == fromClient && s.len() >= maxStreams && c.states[fromApp] != done {
			c.wait()
		}
		if d == fromClient && s.begin(id) || d == fromApp && s.promise(id) {
			c.beginExchange(exchange{})
		}
	}
}

// endStreams accounts for frames of one side that end streams.
func (c *conn) endStreams(d direction, frames []h2.Header) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now, over := time.Now(), 0
	for _, h := range frames {
		if h.Type == h2.RSTStream && c.h2.streams.reset(h.Stream) || h.Type != h2.RSTStream && c.h2.streams.end(h.Stream, d, now) {
			over++
		}
	}
	c.streamsOver(over)
	c.watchUploads(uploadSilence)
}

// streamsOver accounts for n streams that are over. The last one ends a connection whose client has been named its last
// stream. The caller holds mu.
func (c *conn) streamsOver(n int) {
	for range n {
		c.endExchange(exchange{}, 0)
	}
	c.tell()
	if c.h2.farewell == final && c.h2.streams.len() == 0 {
		c.due.Store(true)
		c.interrupt(fromApp)
	}
}

// isUpload reports whether the current frame of a direction may be a part of an upload.
func (c *conn) isUpload(d direction) bool {
	return d == fromClient && c.h2.uploading.Load() && c.h2.side[d].frame.Type == h2.Data
}

// noteUpload notes that the client has sent a part of a request.
func (c *conn) noteUpload(id uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.h2.streams.move(id, time.Now())
}

// watchUploads sees to it that uploads which are silent expire, beginning after a time. The caller holds mu.
func (c *conn) watchUploads(after time.Duration) {
	has := len(c.h2.streams.uploads) > 0
	switch had := c.h2.uploading.Swap(has); {
	case had || !has:
	case c.h2.expiry == nil:
		c.h2.expiry = time.AfterFunc(after, c.expireUploads)
	default:
		c.h2.expiry.Reset(after)
	}
}

// expireUploads ends the uploads that have been silent for too long.
func (c *conn) expireUploads() {
	c.mu.Lock()
	defer c.mu.Unlock()
	over, next := c.h2.streams.expire(time.Now())
	c.streamsOver(over)
	c.h2.uploading.Store(false)
	c.watchUploads(next)
}

// abandonStreams accounts for the streams that were open when the connection ended. The caller holds mu.
func (c *conn) abandonStreams() {
	if c.h2 == nil {
		return
	}
	if c.h2.expiry != nil {
		c.h2.expiry.Stop()
	}
	for range c.h2.streams.clear() {
		c.endExchange(exchange{}, 0)
	}
}

// sayGoAway says the next of the words of parting. errClosing: that was the last, and no stream is open.
func (c *conn) sayGoAway() error {
	if err := c.flushFrames(fromApp); err != nil {
		return err
	}
	frames, over := c.nextFarewell()
	if err := c.responses.Replace(0, frames); err != nil {
		return err
	}
	if over {
		return errClosing
	}
	return nil
}

// nextFarewell returns the frames that are to be sent now, and whether the connection is over with them: first a GOAWAY that
// refuses nothing with a PING, then, a moment after the client has answered that, one with the last stream that has really been
// passed on.
func (c *conn) nextFarewell() (frames []byte, over bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.due.Store(false)
	s := c.h2
	switch s.farewell {
	case unsaid:
		s.farewell, s.pinging = noticed, true
		binary.BigEndian.PutUint64(s.ping[:], rand.Uint64())
		frames = h2.AppendPing(h2.AppendGoAway(nil, s.streams.last), s.ping)
		if c.ending == endedOpen {
			c.ending = endedTold
		}
		return frames, false
	case noticed:
		s.farewell = final
		c.refuseStreams(s.streams.highest)
		frames = h2.AppendGoAway(nil, s.streams.last)
	}
	return frames, s.streams.len() == 0
}

// answersPing tells whether the payload of a PING's answer is that of ours, which the app has not sent.
func (c *conn) answersPing(payload []byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.h2
	if !s.pinging || string(payload) != string(s.ping[:]) {
		return false
	}
	s.pinging = false
	if s.farewell == noticed {
		c.leaving.Reset(goodbyeAfter)
	}
	return true
}

// lower makes a GOAWAY of the app's name no higher stream than one that the client has been named before: what has been refused
// may have been tried elsewhere.
func (c *conn) lower(frame []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if last := h2.LastStream(frame); last <= c.h2.streams.last {
		c.refuseStreams(last)
	} else if c.h2.farewell != unsaid {
		h2.SetLastStream(frame, c.h2.streams.last)
	}
}

// refuseStreams accounts for a GOAWAY with this last stream. Nobody waits for those above it any more, and the client
// may retry them elsewhere. The caller holds mu.
func (c *conn) refuseStreams(last uint32) {
	for range c.h2.streams.refuse(last) {
		c.endExchange(exchange{}, 0)
	}
	c.tell()
}
