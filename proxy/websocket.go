package proxy

import (
	"encoding/binary"
	"io"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"lameduck/proxy/h1"
	"lameduck/proxy/ws"
)

// A wsConn relays WebSocket frames. In a drain it sends the client a close frame between two
// messages of the app. From then on data from the app is dropped, and data from the client is still
// relayed until the client answers with its own close frame, or its time for that is over.
type wsConn struct {
	base
	side    [2]wsSide     // each owned by its direction
	control atomic.Uint64 // bytes of the client's control frames

	// Guarded by mu.
	closed [2]bool // the source of a direction has sent a close frame, which was relayed
	sent   bool    // the client has been sent a close frame, and has a limited time to answer
	answer answerLimit
}

// An answerLimit is the time that a client has for its answer to our close frame. A client that
// sends no message has lingerTimeout. Pings are no messages: clients send them without having looked
// at what they have received.
type answerLimit struct {
	last  time.Time // when it has to have answered, unless a message is under way
	moved uint64    // bytes of its messages at the last look
}

// closeTimeout is how long a client that goes on sending messages may take to answer our close
// frame, which waits behind what the client has already queued. An app that owes the client a close
// frame may take as long.
const closeTimeout = 20 * time.Second

// A wsSide is the state of the frames of one direction.
type wsSide struct {
	messages ws.Messages
	payload  h1.Body // the rest of the current frame
	partial  bool    // a part of the next header is buffered
	dropping bool    // nothing more is relayed
}

func newWebSocket(c *conn) *wsConn { return &wsConn{base: base{c}} }

func (w *wsConn) noticeDelayLocked() (after, spread time.Duration) {
	return 0, max(w.server.config.TunnelSpread, 1)
}

// relay relays frames until the source ends.
func (w *wsConn) relay(d direction) outcome {
	side := &w.side[d]
	for !side.dropping {
		if o := w.relayFrame(d); o.stops() {
			return o
		}
	}
	return w.drop(d)
}

// relayFrame relays what has arrived of the current frame and of the next header. Between two
// messages it sends the notice if that is due.
func (w *wsConn) relayFrame(d direction) outcome {
	f, side := w.flow(d), &w.side[d]
	if err := f.CopyBody(&side.payload); err != nil {
		return w.endSide(d, w.retry(d, err))
	}
	h, err := ws.ParseHeader(f.Pending())
	side.partial = side.partial || h.Size == 0 && len(f.Pending()) > 0
	switch {
	case err != nil:
		return w.giveUp(d)
	case d == fromApp && w.notice.due.Load() && side.messages.Between() && !side.partial:
		return w.sendClose()
	case h.Size == 0:
		return w.readMore(d)
	}
	side.messages.Next(h)
	if h.Control() {
		w.noteControl(d, h)
	}
	f.Pass(h.Size)
	side.partial, side.payload = false, h1.FixedBody(h.Length)
	return proceed
}

// readMore reads more bytes.
func (w *wsConn) readMore(d direction) outcome {
	if o := w.retry(d, w.flow(d).Fill()); o.stops() {
		return w.endSide(d, passRest(w.flow(d), o))
	}
	if w.current() != relayer(w) {
		return outcome{verdict: switched}
	}
	w.used.Store(true)
	return proceed
}

// drop reads without relaying.
func (w *wsConn) drop(d direction) outcome {
	f := w.flow(d)
	for {
		f.Discard()
		if o := w.retry(d, f.Fill()); o.stops() {
			return o
		}
	}
}

// noteControl records that a control frame is about to be relayed.
func (w *wsConn) noteControl(d direction, h ws.Header) {
	if d == fromClient {
		w.control.Add(uint64(h.Size) + uint64(h.Length))
	}
	if h.Opcode == ws.Close {
		w.noteClose(d)
	}
}

// noteClose records that a close frame is about to be relayed. After the answer to ours, only the
// end of the connection follows.
func (w *wsConn) noteClose(d direction) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed[d] = true
	if w.sent {
		w.limitAllLocked(lingerTimeout)
	}
}

// sendClose sends the client a close frame (1001, RFC 6455 section 7.4.1), unless one has been sent
// in either direction, and stops relaying the app. The outcome is lastSent if no answer can come.
func (w *wsConn) sendClose() outcome {
	w.notice.due.Store(false)
	if !w.claimClose() {
		return w.limitClose()
	}
	if err := w.responses.Replace(0, ws.AppendClose(nil, ws.GoingAway)); err != nil {
		return endedBy(err)
	}
	w.side[fromApp].dropping = true
	return w.limitAnswer()
}

// limitClose limits the rest of a closing handshake that one of the two sides has begun. A close
// frame of the app is as good as ours. An app that owes one may be silent for closeTimeout.
func (w *wsConn) limitClose() outcome {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.life.final:
		return proceed
	case w.closed[fromClient]:
		w.unparkLocked()
		w.responses.Deadline.LimitSilence(closeTimeout)
		return proceed
	}
	w.sent = true
	return w.limitAnswerLocked()
}

// limitAnswer limits the time until the client answers our close frame. The outcome is lastSent if
// the client has ended its side.
func (w *wsConn) limitAnswer() outcome {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.limitAnswerLocked()
}

func (w *wsConn) limitAnswerLocked() outcome {
	if w.life.states[fromClient] == done {
		return outcome{verdict: lastSent}
	}
	now := time.Now()
	w.unparkLocked()
	w.answer = answerLimit{last: now.Add(closeTimeout), moved: w.messageBytes()}
	w.requests.Deadline.LimitLinger(now.Add(lingerTimeout))
	return proceed
}

// extendAnswer puts the limit off for a client that is still receiving what comes before our close
// frame, or that has sent a part of a message since the last look. Past the last limit, it may only
// complete a message that is under way.
func (w *wsConn) extendAnswer() bool {
	side := &w.side[fromClient]
	underWay := !side.payload.Done() || !side.messages.Between()
	w.mu.Lock()
	defer w.mu.Unlock()
	now, moved := time.Now(), w.messageBytes()
	switch {
	case w.life.final || w.life.states[fromApp] == done:
		return false
	case isReceiving(w.client, &w.unread.byLinger):
	case moved == w.answer.moved || !underWay && !now.Before(w.answer.last):
		return false
	}
	w.answer.moved = moved
	w.requests.Deadline.PutOffLinger(now.Add(lingerTimeout))
	return true
}

// messageBytes returns the number of bytes that have been relayed of the client's messages, with a
// constant for what came before them.
func (w *wsConn) messageBytes() uint64 { return w.requests.Moved() - w.control.Load() }

// claimClose makes the next close frame ours. It returns false if there has been one.
func (w *wsConn) claimClose() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed[fromClient] || w.closed[fromApp] || w.life.final {
		return false
	}
	w.sent = true
	w.life.end(endedDrain)
	return true
}

// endSide prepares the end of a direction. Once the client has been sent a close frame, only the
// end is expected of either side, and each gets a limited time for it.
func (w *wsConn) endSide(d direction, o outcome) outcome {
	if o.verdict != ended || d == fromApp || !w.hasSent() {
		return o
	}
	switch {
	case o.err == io.EOF:
		w.limitAll(lingerTimeout) // for the app
	case isTimeout(o.err) && w.extendAnswer():
		return proceed
	case isTimeout(o.err):
		if err := w.answerForClient(); err != nil {
			return endedBy(err)
		}
		_ = w.app.CloseWrite()
		w.limitAll(cutTimeout)
	}
	return o
}

// answerForClient sends the app the close frame that the client owes it, unless the client has sent
// one or has stopped within a message.
func (w *wsConn) answerForClient() error {
	f, side := &w.requests, &w.side[fromClient]
	if w.hasClosed(fromClient) || !side.payload.Done() || !side.messages.Between() || len(f.Pending()) > 0 {
		return nil
	}
	var key [4]byte
	binary.BigEndian.PutUint32(key[:], rand.Uint32())
	return f.Replace(0, ws.AppendMaskedClose(nil, ws.GoingAway, key))
}

// hasSent reports whether we have sent the client a close frame.
func (w *wsConn) hasSent() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sent
}

// hasClosed reports whether a side has sent a close frame.
func (w *wsConn) hasClosed(d direction) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.closed[d]
}
