package proxy

import "time"

// uploadSilence is how long a client may pause in a request that the app has already answered
// completely. After that the stream is over, although the client has not ended its side: many
// clients never do (RFC 9113 section 8.1 lets the app answer early, and it need not reset the
// stream).
const uploadSilence = 5 * time.Second

// maxStreams bounds the open streams of one connection. A client that opens more waits; apps allow
// a few hundred.
const maxStreams = 1 << 16

// streams are the streams of an HTTP/2 connection that are in flight. A stream is in flight from
// its first frame, or from the app's promise, until both sides have ended, one side has reset it,
// or the app has refused it. A stream that the app alone has ended stays in flight as long as the
// client goes on sending its request.
type streams struct {
	open     map[uint32]bool      // streams that the app has not ended: whether the client has
	uploads  map[uint32]time.Time // streams ended by the app alone: time of the client's last DATA
	highest  uint32               // stream that the client has opened
	promised uint32               // highest stream that the app has promised
	probes   map[uint32]struct{}  // health probes among them, and those that have ended and are not accounted for
	last     uint32               // stream of the client's that the app accepts, by its GOAWAY
}

func newStreams(last uint32) streams {
	return streams{open: make(map[uint32]bool), last: last}
}

// len returns how many streams are in flight.
func (s *streams) len() int { return len(s.open) + len(s.uploads) }

// begin records a stream that the client opens, and reports whether it is in flight. One that has
// been opened before is not, and neither is one that the app ignores (RFC 9113 section 6.8).
func (s *streams) begin(id uint32) bool {
	if id <= s.highest {
		return false // trailers, or what the app will call an error
	}
	s.highest = id
	if id > s.last {
		return false
	}
	s.open[id] = false
	return true
}

// promise records a stream that the app is about to push, and reports whether it is in flight.
func (s *streams) promise(id uint32) bool {
	if id <= s.promised || s.len() >= maxStreams {
		return false
	}
	s.promised = id
	s.open[id] = true // the client has nothing to say
	return true
}

// end records the end of one side of a stream, and reports whether the stream is over with it.
func (s *streams) end(id uint32, d direction, now time.Time) (over bool) {
	if _, ok := s.uploads[id]; ok {
		return d == fromClient && s.reset(id)
	}
	clientEnded, ok := s.open[id]
	switch {
	case !ok:
		return false
	case d == fromClient:
		s.open[id] = true
		return false
	case clientEnded:
		return s.reset(id)
	}
	delete(s.open, id)
	if s.uploads == nil {
		s.uploads = make(map[uint32]time.Time)
	}
	s.uploads[id] = now
	return false
}

// reset records that a side has reset a stream, and reports whether the stream is over with it.
func (s *streams) reset(id uint32) (over bool) {
	n := s.len()
	delete(s.open, id)
	delete(s.uploads, id)
	return s.len() < n
}

// move records that the client has sent a part of its request.
func (s *streams) move(id uint32, now time.Time) {
	if _, ok := s.uploads[id]; ok {
		s.uploads[id] = now
	}
}

// expire ends the uploads that have been silent for too long, and returns how many. next is the
// time until the next one may end, or 0 if none is left.
func (s *streams) expire(now time.Time) (over int, next time.Duration) {
	for id, moved := range s.uploads {
		rest := uploadSilence - now.Sub(moved)
		switch {
		case rest <= 0:
			delete(s.uploads, id)
			over++
		case next == 0 || rest < next:
			next = rest
		}
	}
	return over, next
}

// refuse records the last client stream that the app accepts, and returns how many streams that
// ends.
func (s *streams) refuse(last uint32) (over int) {
	s.last = min(s.last, last)
	before := s.len()
	for id := range s.open {
		if id > s.last && isClients(id) {
			delete(s.open, id)
		}
	}
	return before - s.len()
}

// isClients reports whether a stream with this identifier is opened by the client (RFC 9113 section
// 5.1.1).
func isClients(id uint32) bool { return id%2 == 1 }

// markProbe records that a stream is a health probe.
func (s *streams) markProbe(id uint32) {
	if s.probes == nil {
		s.probes = make(map[uint32]struct{})
	}
	s.probes[id] = struct{}{}
}

// endsProbe reports whether a health probe is among the streams that are over. It reports each
// once.
func (s *streams) endsProbe() bool {
	for id := range s.probes {
		_, open := s.open[id]
		if _, uploads := s.uploads[id]; !open && !uploads {
			delete(s.probes, id)
			return true
		}
	}
	return false
}

// isProbe reports whether a stream is a health probe.
func (s *streams) isProbe(id uint32) bool {
	_, is := s.probes[id]
	return is
}

// unanswered returns how many of the client's streams the app has not ended, without health probes.
func (s *streams) unanswered() (n int) {
	for id := range s.open {
		if isClients(id) && !s.isProbe(id) {
			n++
		}
	}
	return n
}

// clear forgets all streams, and returns how many were in flight.
func (s *streams) clear() (n int) {
	n = s.len()
	clear(s.open)
	clear(s.uploads)
	return n
}
