package proxy

import (
	"lameduck/proxy/h1"
	"lameduck/proxy/h2"
)

// relay relays frames until the source ends.
func (h *http2Conn) relay(d direction) outcome {
	f, side := h.flow(d), &h.side[d]
	for {
		if !side.payload.Done() {
			if o := h.copyPayload(d); o.stops() {
				return o
			}
			continue
		}
		side.finishFrame()
		if d == fromApp && h.notice.due.Load() && side.begun && !side.block {
			if o := h.sendGoAway(); o.stops() {
				return o
			}
		}
		passed, o := h.passFrame(d)
		if o.stops() {
			return o
		}
		if passed {
			continue
		}
		if err := h.flushFrames(d); err != nil {
			return endedBy(err)
		}
		if o := h.retry(d, f.Fill()); o.stops() {
			return passRest(f, o)
		}
		if h.current() != relayer(h) {
			return outcome{verdict: switched}
		}
		h.used.Store(true)
	}
}

// copyPayload relays the rest of a frame.
func (h *http2Conn) copyPayload(d direction) outcome {
	f, side := h.flow(d), &h.side[d]
	if int64(len(f.Pending())) < side.payload.Opaque() {
		if err := h.flushFrames(d); err != nil {
			return endedBy(err)
		}
	}
	if !h.isUpload(d) {
		return h.retry(d, f.CopyBody(&side.payload))
	}
	err := f.CopySome(&side.payload)
	if err == nil {
		h.noteUpload(side.frame.Stream)
	}
	return h.retry(d, err)
}

// passFrame passes the header of the next frame, and the part of the payload that matters. It
// returns false if more bytes are needed.
func (h *http2Conn) passFrame(d direction) (bool, outcome) {
	f, side := h.flow(d), &h.side[d]
	if d == fromClient && !side.begun {
		return h.passPreface(d)
	}
	b := f.Pending()
	frame, ok := h2.ParseHeader(b)
	if !ok {
		return false, proceed
	}
	var promised uint32
	switch {
	case d == fromClient && frame.PingAck():
		if len(b) < h2.PingSize {
			return false, proceed
		}
		if h.acknowledgesNotice(b[h2.HeaderSize:h2.PingSize]) {
			return true, endedBy(h.dropFrame(d, h2.PingSize))
		}
	case d == fromApp && frame.Type == h2.GoAway && frame.Length >= h2.GoAwaySize-h2.HeaderSize:
		if len(b) < h2.GoAwaySize {
			return false, proceed
		}
		h.clampGoAway(b)
	case d == fromApp && frame.Type == h2.PushPromise:
		if len(b) < frame.PromiseSize() {
			return false, proceed
		}
		promised = h2.PromisedStream(b)
	}
	if d == fromApp && !side.begun && frame.Type != h2.Settings {
		h.route.tls.Forget() // the app does not speak HTTP/2 any more
	}
	if d == fromClient && frame.Type == h2.Headers {
		h.readRequest(frame.Stream, b)
	}
	side.begun, side.block, side.frame = true, frame.OpensBlock(), frame
	if err := h.noteOpened(d, frame, promised); err != nil {
		return false, endedBy(err)
	}
	f.Pass(h2.HeaderSize)
	side.payload = h1.FixedBody(int64(frame.Length))
	return true, proceed
}

// passPreface passes the client's preface. Without it the connection does not speak HTTP/2.
func (h *http2Conn) passPreface(d direction) (bool, outcome) {
	f := h.flow(d)
	b := f.Pending()
	n := min(len(b), len(h2.Preface))
	if string(b[:n]) != h2.Preface[:n] {
		return false, h.giveUp(d)
	}
	if n < len(h2.Preface) {
		return false, proceed
	}
	f.Pass(n)
	h.side[d].begun = true
	return true, proceed
}
