package h1

import "bytes"

// eventStream is the media type of server-sent events (HTML standard, section 9.2.5).
const eventStream = "text/event-stream"

// isEventStream tells whether a Content-Type says so, with or without parameters.
func isEventStream(value []byte) bool {
	mediaType, _, _ := bytes.Cut(value, []byte{';'})
	return equalFold(trim(mediaType), eventStream)
}

// Events follows an event stream to know where one event ends and the next begins. The zero value stands before the first.
type Events struct {
	open  bool // a line of an event has come, and not the empty line that ends it
	line  bool // a line is under way
	wasCR bool // a CR has ended the last line: an LF belongs to it
}

// Between tells whether no event is under way. A comment is none.
func (e *Events) Between() bool { return !e.open && !e.line }

// Scan is [Body.Scan] for the body of an event stream, and looks at its content on the way.
func (e *Events) Scan(b *Body, p []byte) (n int, err error) {
	for n < len(p) && !b.Done() && err == nil {
		step := int(min(b.Opaque(), int64(len(p)-n)))
		for _, c := range p[n : n+step] {
			e.next(c)
		}
		var k int
		k, err = b.Scan(p[n : n+max(step, 1)]) // framing goes by byte by byte
		n += k
	}
	return n, err
}

func (e *Events) next(c byte) {
	switch {
	case c == '\n' && e.wasCR:
	case c == '\n' || c == '\r':
		e.open = e.open && e.line // an empty line ends the event
		e.line = false
	case !e.line:
		e.line = true
		e.open = e.open || c != ':'
	}
	e.wasCR = c == '\r'
}
