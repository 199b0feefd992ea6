package load

import (
	"net/http"
	"strconv"
)

// A Request is one kind of request of a load.
type Request struct {
	// Method is GET or POST. Empty means GET.
	Method string
	// Target is the path with its query, such as "/?wait=50ms". Empty means "/".
	Target string
	// Body is the size of a POST's body in bytes. Each request has a different body, which must be
	// echoed. Zero or less means no body. It is ignored for a GET.
	Body int
	// NewConn gives each request a new connection, which the client closes after the response. If
	// it is false, an idle connection is used if there is one.
	NewConn bool
}

// String names the kind of request for tables, such as "POST keep-alive".
func (r Request) String() string {
	if r.NewConn {
		return r.method() + " new connection"
	}
	return r.method() + " keep-alive"
}

func (r Request) method() string {
	if r.Method == "" {
		return http.MethodGet
	}
	return r.Method
}

func (r Request) target() string {
	if r.Target == "" {
		return "/"
	}
	return r.Target
}

// appendMessage appends the bytes of request number seq to m. body is the length of the request's
// body.
func (r Request) appendMessage(m []byte, host string, seq int) (message []byte, body int) {
	post := r.method() == http.MethodPost
	if post {
		body = max(r.Body, 0)
	}
	m = append(m, r.method()...)
	m = append(append(m, ' '), r.target()...)
	m = append(append(m, " HTTP/1.1\r\nHost: "...), host...)
	m = append(m, "\r\nUser-Agent: lameduck-load\r\n"...)
	if post {
		m = append(m, "Content-Type: application/octet-stream\r\nContent-Length: "...)
		m = append(strconv.AppendInt(m, int64(body), 10), "\r\n"...)
	}
	m = append(m, "\r\n"...)
	return appendBody(m, seq, body), body
}

// appendBody appends a body of the given size: the request's number, then a filler. The number is
// there to detect the response to another request.
func appendBody(m []byte, seq, size int) []byte {
	start := len(m)
	m = append(strconv.AppendInt(m, int64(seq), 10), ':')
	for n := len(m) - start; n < size; n++ {
		m = append(m, 'a'+byte(n%26))
	}
	return m[:start+size]
}
