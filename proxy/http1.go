package proxy

import (
	"bytes"
	"fmt"
	"time"

	"lameduck/proxy/h1"
	"lameduck/proxy/pump"
)

// An http1Conn relays HTTP/1.
//
// A drain changes one place: takeResponseLocked decides which response gets the close option, and
// begin refuses to relay the requests behind it.
type http1Conn struct {
	*conn
	reconnect *reconnect // nil if the app's close is propagated

	// Guarded by mu.
	answering  bool          // relayRequests waits to send an answer of ours
	refused    bool          // our answer is next: no further response of the app's is relayed
	untilClose bool          // the response that is being relayed ends with the connection
	events     bool          // the response that is being relayed is an event stream
	unframed   *unframedConn // nil unless the connection is unframed
}

func newHTTP1(c *conn) *http1Conn {
	h := &http1Conn{conn: c}
	if s, r := c.server, c.route; s.config.KeepClient && !r.Proxied && !r.AppTLS {
		h.reconnect = &reconnect{http1Conn: h}
	}
	return h
}

func (h *http1Conn) idleLocked() bool {
	return h.protocol != undecided && h.ledger.len() == 0 && h.progress() == idle
}

func (h *http1Conn) streamsLocked() int    { return 0 }
func (h *http1Conn) unansweredLocked() int { return h.ledger.traffic() }

// fillHead reads until f ends a head: ends is called with what f holds, and with how much of that it
// has been called with before.
func (s *shared) fillHead(f *pump.Flow, ends func(b []byte, searched int) bool) error {
	for {
		searched := len(f.Pending())
		if err := s.checkHeadSize(searched + 1); err != nil {
			return err
		}
		if err := f.Fill(); err != nil {
			return err
		}
		if ends(f.Pending(), searched) {
			return nil
		}
	}
}

// endsHead reports whether b holds a complete head or an empty line.
func endsHead(b []byte, searched int) bool {
	return h1.HeadEnd(b, searched) > 0 || h1.EmptyLines(b) > 0
}

// endsRequestHead is endsHead for a request. A line that is not a request line ends a head as well.
func endsRequestHead(b []byte, searched int) bool {
	if endsHead(b, searched) {
		return true
	}
	if bytes.IndexByte(b[:searched], '\n') >= 0 || bytes.IndexByte(b[searched:], '\n') < 0 {
		return false // the first line is known, or incomplete
	}
	_, err := h1.ParseRequest(b)
	return err != nil
}

// checkHeadSize returns an error if a head of this many bytes is too large.
func (s *shared) checkHeadSize(size int) error {
	if limit := s.config.MaxHeaderSize; size > limit {
		return fmt.Errorf("%w of %d bytes (raise LAMEDUCK_MAX_HEADER_SIZE to relay it)", h1.ErrHeadTooLarge, limit)
	}
	return nil
}

// A reply is the head of a response with what it means for the connection.
type reply struct {
	h1.Response
	exchange exchange // that it answers
	addClose bool     // it gets the close option
}

// noticeDelayLocked implements [relayer]: the notice of an event stream is its end.
func (h *http1Conn) noticeDelayLocked() (after, spread time.Duration) {
	if h.events {
		return 0, max(h.server.config.TunnelSpread, 1)
	}
	return 0, 0
}

// A reconnect is the state of a connection that keeps its client when the app closes. The methods
// of a nil reconnect, for a connection that propagates the app's close, do nothing.
type reconnect struct {
	*http1Conn

	// Guarded by mu.
	closes bool         // a message has announced that the connection ends
	reused bool         // the app's connection has answered a request: it may be stale
	copy   *pump.Buffer // the outstanding request if it may be sent again, or nil
	size   int          // of it
}
