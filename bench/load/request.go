package load

import (
	"bytes"
	"fmt"
	"net/http"
)

// Request is one kind of request that a load sends over and over.
type Request struct {
	// Method is GET or POST. Empty means GET.
	Method string
	// Target is the path with its query, such as "/?wait=50ms". Empty means "/".
	Target string
	// Body is the size of a POST's body in bytes; it is made different for each request and must be echoed.
	// Zero or less means no body. A GET has none, whatever Body says.
	Body int
	// NewConn gives each request a connection of its own, which the client closes after the answer.
	// False means a kept connection where one is idle.
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

// body returns the bytes to send with request number seq: its number, then a filler, cut to size. The number comes
// first so that an answer meant for another request is seen.
func (r Request) body(seq int) []byte {
	if r.method() != http.MethodPost || r.Body <= 0 {
		return nil
	}
	b := fmt.Appendf(make([]byte, 0, r.Body+20), "%d:", seq)
	for len(b) < r.Body {
		b = append(b, 'a'+byte(len(b)%26))
	}
	return b[:r.Body]
}

// message returns the request as it goes over the wire.
func (r Request) message(host string, body []byte) []byte {
	var m bytes.Buffer
	fmt.Fprintf(&m, "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: lameduck-load\r\n", r.method(), r.target(), host)
	if r.method() == http.MethodPost {
		fmt.Fprintf(&m, "Content-Type: application/octet-stream\r\nContent-Length: %d\r\n", len(body))
	}
	m.WriteString("\r\n")
	m.Write(body)
	return m.Bytes()
}
