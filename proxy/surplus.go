package proxy

import (
	"bytes"
	"time"

	"go.uber.org/zap"
)

// A surplus is what the app sends without a request: bytes behind a response, such as the body of a
// 204 or of an answer to HEAD, or a 408 on an idle connection. Empty lines do not count; they are
// relayed like those in front of a request line. Any other surplus is relayed as a direct
// connection would deliver it. After that, responses cannot be recognized, so the connection relays
// no further request and ends.

// surplusSilence is how long the app is silent before its surplus is assumed to be complete.
const surplusSilence = time.Second

// relaySurplus relays a surplus. It ends when the app has been silent for surplusSilence, or when
// the client has sent a request, which would wait for an answer that never comes.
func (h *http1Conn) relaySurplus() outcome {
	f := &h.responses
	h.logSurplus(f.Pending())
	for {
		f.Pass(len(f.Pending()))
		if err := f.Fill(); isTimeout(err) && !isWrite(err) {
			return outcome{verdict: lastSent}
		} else if err != nil {
			return endedBy(err)
		}
	}
}

// beginSurplusLocked stops further requests. The caller has found that none is outstanding, under
// the same lock.
func (h *http1Conn) beginSurplusLocked() {
	h.life.closing, h.responding = true, true
	h.unparkLocked()
	h.life.states[fromApp] = surplus
	h.responses.Deadline.LimitSilence(surplusSilence)
	h.broadcastLocked()
}

// logSurplus logs a surplus. A complete response is an ordinary one: servers send a 408 when they
// close an idle connection.
func (h *http1Conn) logSurplus(b []byte) {
	level := zap.WarnLevel
	if bytes.HasPrefix(b, []byte("HTTP/")) {
		level = zap.DebugLevel
	}
	if entry := h.server.log.Check(level, "app sent bytes without a request, connection ends"); entry != nil {
		entry.Write(zap.Stringer("app", h.app.RemoteAddr()), zap.Int("bytes", len(b)))
	}
}
