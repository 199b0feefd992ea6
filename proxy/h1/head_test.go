package h1_test

import (
	"errors"
	"testing"

	"lameduck/proxy/h1"
)

// sections are field lines with the empty line, parsed alike in requests and responses. The
// accepted ones have a Content-Length of 3, so that a case fails when its length is lost.
var sections = []struct{ name, section, want string }{
	{"RFC 9112 s.2.2: CRLF ends a line", "Content-Length: 3\r\nA: b\r\n\r\n", length(3)},
	{"RFC 9112 s.2.2: a lone LF may end a line", "A: b\nContent-Length: 3\n\n", length(3)},
	{"RFC 9112 s.2.2: CRLF and lone LF mixed", "A: b\r\nContent-Length: 3\nC: d\r\n\n", length(3)},
	{"RFC 9112 s.2.2: CRLF after lone LF", "A: b\nContent-Length: 3\r\nC: d\n\r\n", length(3)},
	{"RFC 9112 s.2.2: a bare CR in a value", "A: b\rc\r\nContent-Length: 3\r\n\r\n", refused(h1.ErrBareCR)},
	{"RFC 9112 s.2.2: a bare CR that hides a field", "A: b\rContent-Length: 3\r\n\r\n", refused(h1.ErrBareCR)},
	{"RFC 9112 s.2.2: a bare CR before CRLF", "Content-Length: 3\r\r\n\r\n", refused(h1.ErrBareCR)},
	{"RFC 9112 s.2.2: a bare CR first in a value", "A:\rb\r\n\r\n", refused(h1.ErrBareCR)},
	{"RFC 9112 s.2.2: a bare CR first in a line", "\rA: b\r\n\r\n", refused(h1.ErrBareCR)},
	{"RFC 9112 s.2.2: a bare CR in place of the empty line", "A: b\r\n\r\r\n", refused(h1.ErrBareCR)},
	{"RFC 9112 s.2.2: white space before the first field", " A: b\r\n\r\n", refused(h1.ErrFold)},
	{"RFC 9112 s.2.2: a first line of white space", " \r\nA: b\r\n\r\n", refused(h1.ErrBlankLine)},
	{"RFC 9112 s.5: no colon", "A b\r\nContent-Length: 3\r\n\r\n", length(3)},
	{"RFC 9112 s.5: a name alone", "Content-Length\r\n\r\n", refused(h1.ErrDisguise)},
	{"RFC 9112 s.5: an empty name", ": b\r\nContent-Length: 3\r\n\r\n", length(3)},
	{"RFC 9112 s.5: an empty value", "A:\r\nContent-Length: 3\r\n\r\n", length(3)},
	{"RFC 9112 s.5: white space around a value", "Content-Length: \t 3 \t\r\n\r\n", length(3)},
	{"RFC 9112 s.5: no white space before a value", "Content-Length:3\r\n\r\n", length(3)},
	{"RFC 9112 s.5: names in any case", "cOnTeNt-LENGTH: 3\r\n\r\n", length(3)},
	{"RFC 9112 s.5.1: a space before the colon", "Content-Length : 3\r\n\r\n", refused(h1.ErrDisguise)},
	{"RFC 9112 s.5.1: a tab before the colon", "Content-Length\t: 3\r\n\r\n", refused(h1.ErrDisguise)},
	{"RFC 9112 s.5.2: a line fold with a space", "A: b\r\n c\r\nContent-Length: 3\r\n\r\n", length(3)},
	{"RFC 9112 s.5.2: a line fold with a tab", "A: b\r\n\tc\r\nContent-Length: 3\r\n\r\n", length(3)},
	{"RFC 9112 s.5.2: a fold of white space alone", "A: b\r\n \r\n\r\n", refused(h1.ErrBlankLine)},
	{"RFC 9110 s.5.5: NUL in a value", "A: b\x00c\r\n\r\n", refused(h1.ErrNUL)},
	{"RFC 9110 s.5.5: NUL first in a value", "A:\x00b\r\n\r\n", refused(h1.ErrNUL)},
	{"RFC 9110 s.5.5: other controls may stay", "A: b\x01\x0b\x7f\r\nContent-Length: 3\r\n\r\n", length(3)},
	{"RFC 9110 s.5.5: obs-text", "A: \x80\xff\r\nContent-Length: 3\r\n\r\n", length(3)},
	{"RFC 9110 s.5.6.2: every character of a token", "!#$%&'*+-.^_`|~09azAZ: b\r\nContent-Length: 3\r\n\r\n", length(3)},
	{"RFC 9110 s.5.6.2: NUL in a name", "A\x00: b\r\n\r\n", refused(h1.ErrNUL)},
	{"RFC 9110 s.5.6.2: obs-text in a name", "Content\xadLength: 3\r\n\r\n", refused(h1.ErrDisguise)},
}

func TestHeaderSection(t *testing.T) {
	for _, c := range sections {
		t.Run(c.name, func(t *testing.T) {
			expectRequest(t, "POST / HTTP/1.1\r\n"+c.section, c.want)
			expectResponse(t, "HTTP/1.1 200 OK\r\n"+c.section, h1.Other, c.want)
		})
	}
}

func TestHeadEnd(t *testing.T) {
	for _, c := range []struct {
		name, bytes string
		want        int
	}{
		{"nothing", "", 0},
		{"a start-line", "GET / HTTP/1.1\r\n", 0},
		{"CR of the empty line", "GET / HTTP/1.1\r\n\r", 0},
		{"CRLF", "GET / HTTP/1.1\r\n\r\n", 18},
		{"lone LF", "GET / HTTP/1.1\n\n", 16},
		{"lone LF behind CRLF", "GET / HTTP/1.1\r\n\n", 17},
		{"CRLF behind lone LF", "GET / HTTP/1.1\n\r\n", 17},
		{"a bare CR does not end it", "GET / HTTP/1.1\r\n\r\r\n", 0},
		{"the first end counts", "A\r\n\r\nB\r\n\r\n", 5},
	} {
		if got := h1.HeadEnd([]byte(c.bytes), 0); got != c.want {
			t.Errorf("%s: head of %q ends at %d, want %d", c.name, c.bytes, got, c.want)
		}
	}
}

// RFC 9112 section 2.2: a server ignores at least one empty line in front of a request-line.
func TestEmptyLines(t *testing.T) {
	for in, want := range map[string]int{
		"":               0,
		"GET / HTTP/1.1": 0,
		"\r\nGET":        2,
		"\nGET":          1,
		"\r\n\n\r\nGET":  5,
		"\r":             0, // its LF is still missing
		"\r\n\r":         2,
		"\r\rGET":        0, // a bare CR, which ParseRequest refuses
		" \r\nGET":       0,
	} {
		if got := h1.EmptyLines([]byte(in)); got != want {
			t.Errorf("%q begins with %d bytes of empty lines, want %d", in, got, want)
		}
	}
}

// The caller must skip an empty line: it is not a request-line.
func TestEmptyLineIsNotAStartLine(t *testing.T) {
	for _, in := range []string{"\r\n" + post(), "\n" + post(), "\r\n\r\n"} {
		if _, err := h1.ParseRequest([]byte(in)); !errors.Is(err, h1.ErrStartLine) {
			t.Errorf("%q: %v", in, err)
		}
		if _, err := h1.ParseResponse([]byte(in), h1.Other); !errors.Is(err, h1.ErrStartLine) {
			t.Errorf("%q as a response: %v", in, err)
		}
	}
}

func TestHeadInAnySplit(t *testing.T) {
	for _, c := range sections {
		expectSplitHead(t, []byte("POST / HTTP/1.1\r\n"+c.section+afterHead))
	}
}

func FuzzHeadSplit(f *testing.F) {
	for _, c := range sections {
		f.Add([]byte("POST / HTTP/1.1\r\n" + c.section + afterHead))
		f.Add([]byte("HTTP/1.1 200 OK\r\n" + c.section + afterHead))
	}
	f.Add([]byte("\r\n\n\r\r\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		if len(in) <= 1<<10 { // the cost grows with the square of the input
			expectSplitHead(t, in)
		}
	})
}

// expectSplitHead checks that in gives the same result in two parts, at every split: a part of a
// head gives no result, or that of the whole.
func expectSplitHead(t *testing.T, in []byte) {
	t.Helper()
	end := h1.HeadEnd(in, 0)
	request, requestErr := h1.ParseRequest(in)
	response, responseErr := h1.ParseResponse(in, h1.Other)
	for cut := range len(in) + 1 {
		expectResumedEnd(t, in, cut, end)
		if r, err := h1.ParseRequest(in[:cut]); err != nil || r.Size > 0 {
			expectSame(t, in[:cut], r.Size, r.Body, err, request.Size, request.Body, requestErr)
		}
		if r, err := h1.ParseResponse(in[:cut], h1.Other); err != nil || r.Size > 0 {
			expectSame(t, in[:cut], r.Size, r.Body, err, response.Size, response.Body, responseErr)
		}
	}
	expectEnd(t, in, end, request.Size)
	expectEnd(t, in, end, response.Size)
}

// expectResumedEnd checks that a search that continues where the last one ended finds the same end.
func expectResumedEnd(t *testing.T, in []byte, cut, want int) {
	t.Helper()
	found := h1.HeadEnd(in[:cut], 0)
	if found > 0 && found != want {
		t.Errorf("head of %q ends at %d, of its first %d bytes at %d", in, want, cut, found)
	}
	if found > 0 {
		return
	}
	if got := h1.HeadEnd(in, cut); got != want {
		t.Errorf("head of %q ends at %d, but at %[4]d if the search continues from %[3]d", in, want, cut, got)
	}
}

func expectSame(t *testing.T, part []byte, size int, body h1.Body, err error, wantSize int, wantBody h1.Body, wantErr error) {
	t.Helper()
	if size != wantSize || body != wantBody || !errors.Is(err, wantErr) {
		t.Errorf("part %q: %d bytes, %s\nthe whole: %d bytes, %s", part, size, framing(body, err), wantSize, framing(wantBody, wantErr))
	}
}

// expectEnd checks that HeadEnd and the parsers agree.
func expectEnd(t *testing.T, in []byte, end, size int) {
	t.Helper()
	if size > 0 && size != end {
		t.Errorf("head of %q: the parser ends at %d, HeadEnd at %d", in, size, end)
	}
}
