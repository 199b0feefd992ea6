package h1

import "bytes"

// A Guess is whether bytes are the beginning of something.
type Guess uint8

// The guesses.
const (
	Maybe Guess = iota // more bytes are needed
	Yes
	No
)

// maxMethod bounds the method of a request that is recognized. The longest registered one has 17 characters.
const maxMethod = 64

var version = []byte(" HTTP/")

// Recognize reports whether b begins with a request-line of HTTP/1, good or bad: with a method and, in the first line that is
// not empty, an HTTP version.
func Recognize(b []byte) Guess {
	b = b[EmptyLines(b):]
	if len(b) == 0 || len(b) == 1 && b[0] == '\r' {
		return Maybe
	}
	n := tokenLen(b)
	switch {
	case n == 0 || n > maxMethod:
		return No
	case n == len(b):
		return Maybe
	case b[n] != ' ':
		return No
	}
	line, _, ok := nextLine(b)
	switch {
	case !ok && len(b) < MaxHead:
		return Maybe
	case !ok || bytes.Contains(line, version):
		return Yes
	}
	return No
}
