package h1

import "bytes"

// eventStream is the media type of server-sent events (HTML standard, section 9.2.5).
const eventStream = "text/event-stream"

// isEventStream reports whether a Content-Type is that of an event stream, with or without
// parameters.
func isEventStream(value []byte) bool {
	mediaType, _, _ := bytes.Cut(value, []byte{';'})
	return equalFold(trim(mediaType), eventStream)
}

// acceptsEvents reports whether the value of an Accept field lists event streams by their own name
// (RFC 9110 section 12.5.1). A wildcard does not: every client sends one.
func acceptsEvents(value []byte) bool {
	for len(value) > 0 {
		var element []byte
		element, value = cutUnquoted(value, ',')
		mediaType, parameters := cutUnquoted(element, ';')
		if equalFold(trim(mediaType), eventStream) && acceptable(parameters) {
			return true
		}
	}
	return false
}

// acceptable reports whether the parameters of a media range have no weight of zero
// (RFC 9110 section 12.4.2).
func acceptable(parameters []byte) bool {
	for len(parameters) > 0 {
		var parameter []byte
		parameter, parameters = cutUnquoted(parameters, ';')
		name, weight, ok := bytes.Cut(trim(parameter), []byte{'='})
		if ok && equalFold(name, "q") {
			return len(bytes.Trim(weight, "0.")) > 0
		}
	}
	return true
}

// cutUnquoted cuts b at the first separator outside a quoted string (RFC 9110 section 5.6.4).
func cutUnquoted(b []byte, separator byte) (before, after []byte) {
	quoted := false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			quoted = !quoted
		case c == '\\' && quoted:
			i++
		case c == separator && !quoted:
			return b[:i], b[i+1:]
		}
	}
	return b, nil
}

// Events finds the ends of the events in an event stream. The zero value is before the first event.
type Events struct {
	open  bool // a line of an event has come, and not the empty line that ends it
	line  bool // a line is under way
	wasCR bool // a CR has ended the last line: an LF belongs to it
}

// Between reports whether the stream is between two events. A comment is not an event.
func (e *Events) Between() bool { return !e.open && !e.line }

// Scan is [Body.Scan] for the body of an event stream, and also examines its content.
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
