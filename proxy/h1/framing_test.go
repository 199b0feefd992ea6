package h1_test

import (
	"fmt"
	"strings"
	"testing"

	"lameduck/proxy/h1"
)

// A framingCase is a head and a description of how its body ends, or why it is refused.
type framingCase struct {
	name   string
	head   string
	method h1.Method // of the request, if head is a response
	want   string
}

const (
	noBody     = "no body"
	chunked    = "chunked"
	untilClose = "until close"
	tunnel     = "tunnel"
)

func length(n int64) string { return fmt.Sprint(n, " bytes") }

func refused(reason h1.Error) string { return "refused: " + string(reason) }

// framing describes how a body ends.
func framing(b h1.Body, err error) string {
	if err != nil {
		return "refused: " + err.Error()
	}
	switch b.Kind() {
	case h1.Fixed:
		return length(b.Opaque())
	case h1.Chunked:
		return chunked
	case h1.UntilClose:
		return untilClose
	case h1.Tunnel:
		return tunnel
	}
	return noBody
}

// head returns a start-line with field lines, each terminated by CRLF, and the empty line.
func head(startLine string, fields ...string) string {
	return strings.Join(append([]string{startLine}, fields...), "\r\n") + "\r\n\r\n"
}

// post returns the head of a request with these field lines.
func post(fields ...string) string { return head("POST / HTTP/1.1", fields...) }

// answer returns the head of a response with these field lines.
func answer(fields ...string) string { return head("HTTP/1.1 200 OK", fields...) }

// afterHead has bytes of a body or of the next message, which must not affect the parsing of a
// head.
const afterHead = "\r\n\r\nContent-Length: 7\r\n\r\n"

func testRequests(t *testing.T, cases []framingCase) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { expectRequest(t, c.head, c.want) })
	}
}

func testResponses(t *testing.T, cases []framingCase) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { expectResponse(t, c.head, c.method, c.want) })
	}
}

func expectRequest(t *testing.T, head, want string) {
	t.Helper()
	r, err := h1.ParseRequest([]byte(head + afterHead))
	expectFraming(t, head, r.Size, framing(r.Body, err), want)
}

func expectResponse(t *testing.T, head string, method h1.Method, want string) {
	t.Helper()
	r, err := h1.ParseResponse([]byte(head+afterHead), method)
	expectFraming(t, head, r.Size, framing(r.Body, err), want)
}

func expectFraming(t *testing.T, head string, size int, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("head %q\n got %s\nwant %s", head, got, want)
	}
	if size > 0 && size != len(head) {
		t.Errorf("head %q has %d bytes, want %d", head, size, len(head))
	}
}
