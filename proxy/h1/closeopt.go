package h1

import "bytes"

// AppendCloseOption appends head, a complete head that was parsed without an error, to dst, with
// the close option in it (RFC 9112 section 9.6): every keep-alive in a Connection field becomes
// close; if there is none, close is added to the first Connection field, or as a new field.
// Keep-Alive fields are removed, because they no longer apply. A head that has the close option
// already stays as it is. At most 19 bytes are added. dst and head share no memory.
func AppendCloseOption(dst, head []byte) []byte {
	o := findOptions(head)
	if o.closes {
		return append(dst, head...)
	}
	for at := 0; at < len(head); {
		line, size := nextField(head[at:])
		whole := head[at : at+size]
		switch {
		case isField(line, "keep-alive"):
		case isField(line, "connection") && o.keepAlive:
			dst = appendReplaced(dst, whole)
		case at < o.end && o.end < at+size:
			dst = append(dst, head[at:o.end]...)
			dst = append(dst, ", close"...)
			dst = append(dst, head[o.end:at+size]...)
		case len(line) == 0 && !o.keepAlive && o.end == 0:
			dst = append(dst, "Connection: close\r\n"...)
			dst = append(dst, whole...)
		default:
			dst = append(dst, whole...)
		}
		at += size
	}
	return dst
}

// Persists reports whether the connection persists after the message with this head, according to
// its sender (RFC 9112 section 9.3).
func Persists(head []byte) bool {
	o := findOptions(head)
	line, _, _ := nextLine(head)
	return !o.closes && (versionOf(line) == http11 || o.keepAlive)
}

// versionOf returns the version in a start line that was parsed without an error.
func versionOf(line []byte) httpVersion {
	if _, v, err := parseStatusLine(line); err == nil {
		return v
	}
	_, _, v, _ := parseRequestLine(line)
	return v
}

// options are the members of the Connection fields of a head.
type options struct {
	closes    bool
	keepAlive bool
	end       int // of the value of the first Connection field with a member, or 0
}

func findOptions(head []byte) (o options) {
	for at := 0; at < len(head); {
		line, size := nextField(head[at:])
		if isField(line, "connection") {
			value := line[len("connection:"):]
			if t := trimFolded(value); len(t) > 0 && o.end == 0 {
				o.end = at + len("connection:") + bytes.IndexByte(value, t[0]) + len(t)
			}
			o.read(value)
		}
		at += size
	}
	return o
}

// read adds the members of one field's value.
func (o *options) read(value []byte) {
	for rest := value; rest != nil; {
		var member []byte
		member, rest = nextFoldedMember(rest)
		o.closes = o.closes || equalFold(member, "close")
		o.keepAlive = o.keepAlive || equalFold(member, "keep-alive")
	}
}

// nextField cuts the first line off b with the lines that continue it (obsolete line folding, RFC
// 9112 section 5.2). The terminator belongs to its size only.
func nextField(b []byte) (field []byte, size int) {
	field, size, _ = nextLine(b)
	if len(field) == 0 || size == len(b) || !isFold(b[size:]) {
		return field, size
	}
	for size < len(b) && isFold(b[size:]) {
		_, n, _ := nextLine(b[size:])
		size += n
	}
	return bytes.TrimRight(b[:size], "\r\n"), size
}

// nextFoldedMember is nextMember for a field that may be folded.
func nextFoldedMember(list []byte) (member, rest []byte) {
	member, rest = nextMember(list)
	return trimFolded(member), rest
}

// trimFolded is trim for the value of a field that may be folded.
func trimFolded(b []byte) []byte { return bytes.Trim(b, " \t\r\n") }

// isField reports whether line is a field with this name, which is in lower case.
func isField(line []byte, name string) bool {
	return len(line) > len(name) && line[len(name)] == ':' && equalFold(line[:len(name)], name)
}

// appendReplaced appends a Connection field line with every keep-alive replaced by close.
func appendReplaced(dst, line []byte) []byte {
	field := bytes.TrimRight(line, "\r\n")
	done := 0
	for rest := field[len("connection:"):]; rest != nil; {
		var member []byte
		at := len(field) - len(rest)
		member, rest = nextFoldedMember(rest)
		if !equalFold(member, "keep-alive") {
			continue
		}
		at += bytes.Index(field[at:], member)
		dst = append(dst, line[done:at]...)
		dst = append(dst, "close"...)
		done = at + len(member)
	}
	return append(dst, line[done:]...)
}
