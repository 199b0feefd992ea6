package h1

import "bytes"

// HeadEnd returns the size of the head at the start of b, its empty line included, or 0 if it is
// incomplete. The caller knows that the first searched bytes of b do not contain the end.
func HeadEnd(b []byte, searched int) int {
	// The end may begin up to three bytes before the first new byte: LF CR | LF.
	for at := max(searched-3, 0); ; {
		i := bytes.IndexByte(b[at:], '\n')
		if i < 0 {
			return 0
		}
		at += i + 1
		if n := emptyLine(b[at:]); n > 0 {
			return at + n
		}
	}
}

// EmptyLines returns the size of the empty lines at the start of b, which a server ignores in front
// of a request-line (RFC 9112 section 2.2).
func EmptyLines(b []byte) int {
	size := 0
	for {
		n := emptyLine(b[size:])
		if n == 0 {
			return size
		}
		size += n
	}
}

// emptyLine returns the size of the line terminator at the start of b, or 0 if there is none.
func emptyLine(b []byte) int {
	switch {
	case len(b) > 0 && b[0] == '\n':
		return 1
	case len(b) > 1 && b[0] == '\r' && b[1] == '\n':
		return 2
	}
	return 0
}

// nextLine cuts the first line off b, without its terminator. ok is false if b holds no complete
// line.
func nextLine(b []byte) (line []byte, size int, ok bool) {
	i := bytes.IndexByte(b, '\n')
	if i < 0 {
		return nil, 0, false
	}
	line = b[:i]
	if i > 0 && b[i-1] == '\r' {
		line = b[:i-1]
	}
	return line, i + 1, true
}

// content is what the fields declare about the content of a message.
type content struct {
	events  bool // it is an event stream
	encoded bool // it has a content coding
}

// framing is what the fields declare about where a message ends.
type framing struct {
	length  int64 // Content-Length, or -1
	coding  bool  // a Transfer-Encoding is there
	chunked bool  // and its last coding is chunked
}

// fields are the fields of a header section about framing and the connection.
type fields struct {
	framing
	upgrade   []byte // the value of the Upgrade field, or nil
	userAgent []byte
	content   content
	accepts   bool // an Accept field lists event streams
	expects   bool // an Expect field is there
	proxied   bool // a field is there that proxies add
	handshake bool // a challenge is there that belongs to a handshake, see isHandshake
	foldable  bool // the last line may be continued: it is a field, and none of framing
}

// parseFields reads field lines up to the empty line. It returns the size of the section, or 0 if
// it is incomplete.
func (f *fields) parseFields(b []byte) (size int, err error) {
	f.length = -1
	for {
		line, n, ok := nextLine(b[size:])
		if !ok {
			return 0, nil
		}
		size += n
		if len(line) == 0 {
			return size, nil
		}
		if err := f.parseLine(line); err != nil {
			return 0, err
		}
	}
}

func (f *fields) parseLine(line []byte) error {
	name := tokenLen(line)
	if name == 0 || name == len(line) || line[name] != ':' {
		return f.parseOddLine(line)
	}
	value := line[name+1:]
	if bytes.IndexByte(value, '\r') >= 0 { // not checkBytes: this is the hot path
		return ErrBareCR
	}
	if bytes.IndexByte(value, 0) >= 0 {
		return ErrNUL
	}
	f.foldable = true
	return f.apply(line[:name], value)
}

// apply reads the few fields that matter. The length of the name selects the candidate, so that
// hardly any other name is compared.
func (f *fields) apply(name, value []byte) error {
	switch len(name) {
	case len("Via"):
		f.proxied = f.proxied || equalFold(name, "via")
	case len("Forwarded"):
		f.proxied = f.proxied || equalFold(name, "forwarded")
	case len("X-Forwarded-For"):
		f.proxied = f.proxied || equalFold(name, "x-forwarded-for") || equalFold(name, "x-amzn-trace-id")
	case len("Accept"):
		if equalFold(name, "accept") {
			f.accepts = f.accepts || acceptsEvents(value)
		}
		f.expects = f.expects || equalFold(name, "expect")
	case len("Upgrade"):
		if equalFold(name, "upgrade") {
			f.upgrade = trim(value)
		}
	case len("User-Agent"):
		if equalFold(name, "user-agent") {
			f.userAgent = trim(value)
		}
	case len("Content-Type"):
		if equalFold(name, "content-type") {
			f.content.events = isEventStream(value)
		}
	case len("Content-Encoding"):
		f.content.encoded = f.content.encoded || equalFold(name, "content-encoding")
		f.handshake = f.handshake || equalFold(name, "www-authenticate") && isHandshake(value)
	case len("Proxy-Authenticate"):
		f.handshake = f.handshake || equalFold(name, "proxy-authenticate") && isHandshake(value)
	case len("Content-Length"):
		if equalFold(name, "content-length") {
			f.foldable = false
			return f.applyLength(value)
		}
	case len("Transfer-Encoding"):
		if equalFold(name, "transfer-encoding") {
			f.foldable = false
			return f.applyCoding(value)
		}
	}
	return nil
}

// token is true for every character of a token (RFC 9110 section 5.6.2).
var token = func() (t [256]bool) {
	for c := '0'; c <= '9'; c++ {
		t[c] = true
	}
	for c := 'a'; c <= 'z'; c++ {
		t[c], t[c-'a'+'A'] = true, true
	}
	for _, c := range "!#$%&'*+-.^_`|~" {
		t[c] = true
	}
	return t
}()

// tokenLen returns how many bytes at the start of b are a token.
func tokenLen(b []byte) int {
	for i, c := range b {
		if !token[c] {
			return i
		}
	}
	return len(b)
}

// trim removes optional white space (OWS, RFC 9110 section 5.6.3) from both ends.
func trim(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	return b
}

// equalFold reports whether b equals lower, a lower-case ASCII string, ignoring case.
func equalFold(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// nextMember cuts the first member off a comma-separated list (RFC 9110 section 5.6.1). It returns
// empty members too.
func nextMember(list []byte) (member, rest []byte) {
	member, rest, _ = bytes.Cut(list, []byte{','})
	return trim(member), rest
}
