package h1

// A Guess reports whether bytes are the beginning of something, as far as is known.
type Guess uint8

// The guesses.
const (
	Maybe Guess = iota // more bytes are needed
	Yes
	No
)

// maxMethod bounds the method of a request that is recognized. The longest registered one has 17
// characters.
const maxMethod = 64

// Recognize reports whether b begins with a request line of HTTP/1, see [RequestLine].
func Recognize(b []byte) Guess {
	var l RequestLine
	return l.Next(b)
}

// A RequestLine recognizes the request line of HTTP/1 in the first bytes of a connection, in pieces
// of any size: method SP request-target SP HTTP-version (RFC 9112 section 3) with a version of 1.x.
// It decides at the end of the line, however long that is. Empty lines may precede the line, and
// spaces may follow the version. The zero value is ready.
type RequestLine struct {
	at    linePart
	n     int   // bytes of the part
	guess Guess // the last one
}

// A linePart is a part of a start line, each of which leads to the next one.
type linePart uint8

const (
	beforeLine linePart = iota // leads back to itself with an empty line
	emptyLineLF
	method
	target
	version // and spaces behind it
	lineLF  // the LF behind the line's CR
)

// requestVersion and statusVersion are patterns of a version. A digit stands for any digit.
const (
	requestVersion = "HTTP/1.0"
	statusVersion  = "HTTP/1.0 000"
)

// Next takes the next bytes and returns what is known so far. Once it has returned Yes or No, the
// answer is final.
func (l *RequestLine) Next(b []byte) Guess {
	for _, c := range b {
		if l.guess == Maybe {
			l.guess = l.next(c)
		}
	}
	return l.guess
}

func (l *RequestLine) next(c byte) Guess {
	switch l.at {
	case beforeLine:
		return l.begin(c)
	case emptyLineLF:
		return l.leads(c == '\n', beforeLine)
	case method:
		return l.word(token[c] && l.n < maxMethod, c, target)
	case target:
		return l.word(isInTarget(c), c, version)
	case version:
		if l.n < len(requestVersion) {
			l.n++
			return l.leads(matches(c, requestVersion[l.n-1]), version)
		}
		switch c {
		case ' ':
			return Maybe
		case '\r':
			l.at = lineLF
			return Maybe
		}
	}
	if c == '\n' { // with or without its CR
		return Yes
	}
	return No
}

// begin takes the first byte of a line.
func (l *RequestLine) begin(c byte) Guess {
	switch {
	case c == '\n':
		return Maybe
	case c == '\r':
		l.at = emptyLineLF
		return Maybe
	}
	l.at = method
	return l.word(token[c], c, target)
}

// word takes a byte of a word, or the space after it.
func (l *RequestLine) word(belongs bool, c byte, next linePart) Guess {
	if belongs {
		l.n++
		return Maybe
	}
	ends := c == ' ' && l.n > 0
	l.n = 0
	return l.leads(ends, next)
}

// leads moves on to the next part, unless the byte does not fit a request line.
func (l *RequestLine) leads(fits bool, next linePart) Guess {
	if !fits {
		return No
	}
	l.at = next
	return Maybe
}

// isInTarget reports whether c may be in a request target. Bytes outside ASCII may: apps accept
// them.
func isInTarget(c byte) bool { return c > ' ' && c != 0x7f }

// matches reports whether c matches the pattern byte want.
func matches(c, want byte) bool {
	if want == '0' {
		return '0' <= c && c <= '9'
	}
	return c == want
}

// RecognizeStatus reports whether b begins with the status line of an HTTP/1 response (RFC 9112
// section 4). It decides at the byte after the status code.
func RecognizeStatus(b []byte) Guess {
	for i, c := range b {
		switch {
		case i == len(statusVersion) && (c == ' ' || c == '\r' || c == '\n'):
			return Yes
		case i == len(statusVersion) || !matches(c, statusVersion[i]):
			return No
		}
	}
	return Maybe
}
