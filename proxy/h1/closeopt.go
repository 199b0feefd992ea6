package h1

import "bytes"

// AppendCloseOption appends head, a complete head that was parsed without an error, to dst, with the close option in it
// (RFC 9112 section 9.6): every keep-alive in a Connection field becomes close; where there is none, close is added to the first
// Connection field, or in a field of its own. A head that has the close option already stays as it is. At most 19 bytes
// are added. dst and head share no memory.
func AppendCloseOption(dst, head []byte) []byte {
	options := findOptions(head)
	switch {
	case options.closes:
		return append(dst, head...)
	case options.keepAlive:
		return appendReplaced(dst, head)
	case options.end > 0:
		dst = append(dst, head[:options.end]...)
		dst = append(dst, ", close"...)
		return append(dst, head[options.end:]...)
	}
	end := len(head) - lastLine(head)
	dst = append(dst, head[:end]...)
	dst = append(dst, "Connection: close\r\n"...)
	return append(dst, head[end:]...)
}

// lastLine returns the size of the empty line that ends head.
func lastLine(head []byte) int {
	if n := len(head); n > 1 && head[n-2] == '\r' {
		return 2
	}
	return 1
}

// options are what the Connection fields of a head say.
type options struct {
	closes    bool
	keepAlive bool
	end       int // where the value of the first Connection field with a member ends; 0: there is none
}

func findOptions(head []byte) (o options) {
	eachConnection(head, func(value []byte, at int) {
		if t := trim(value); len(t) > 0 && o.end == 0 {
			o.end = at + bytes.IndexByte(value, t[0]) + len(t)
		}
		for rest := value; rest != nil; {
			var member []byte
			member, rest = nextMember(rest)
			o.closes = o.closes || equalFold(member, "close")
			o.keepAlive = o.keepAlive || equalFold(member, "keep-alive")
		}
	})
	return o
}

// appendReplaced appends head with every keep-alive of a Connection field turned into close.
func appendReplaced(dst, head []byte) []byte {
	done := 0
	eachConnection(head, func(value []byte, at int) {
		for rest := value; rest != nil; {
			var member []byte
			start := at + len(value) - len(rest)
			member, rest = nextMember(rest)
			if !equalFold(member, "keep-alive") {
				continue
			}
			start += bytes.Index(head[start:], member)
			dst = append(dst, head[done:start]...)
			dst = append(dst, "close"...)
			done = start + len(member)
		}
	})
	return append(dst, head[done:]...)
}

// eachConnection calls visit with the value of every Connection field and its offset in head.
func eachConnection(head []byte, visit func(value []byte, at int)) {
	const name = "connection"
	for at := 0; ; {
		line, size, ok := nextLine(head[at:])
		if !ok {
			return
		}
		if len(line) > len(name) && line[len(name)] == ':' && equalFold(line[:len(name)], name) {
			visit(line[len(name)+1:], at+len(name)+1)
		}
		at += size
	}
}
