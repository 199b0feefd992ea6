package waitroom

import (
	"fmt"
	"net"
	"net/http"
	"time"
)

// A caller waits on a hijacked connection or in a handler.
type caller struct {
	conn     net.Conn   // nil if it waits in a handler
	answer   chan Reply // takes the reply, or nil if the caller is dropped; nil if conn is not
	headOnly bool       // it has asked for no body
	late     bool       // it came after the drain had begun
	since    time.Time
	token    uint64
}

// A Reply makes a response.
type Reply func() Response

// A Response is a response with status 200.
type Response struct{ ContentType, Body string }

// Line returns a reply of one line of text.
func Line(text string) Reply {
	return func() Response { return Response{"text/plain; charset=utf-8", text + "\n"} }
}

// serve writes the response the way a handler does.
func (r Response) serve(w http.ResponseWriter) {
	w.Header().Set("Content-Type", r.ContentType)
	_, _ = w.Write([]byte(r.Body))
}

// writeTimeout bounds the writing of a response. It fits into the socket's buffer, which is empty, so
// that nothing waits.
const writeTimeout = time.Second

// reply ends the wait with a response.
func (c *caller) reply(reply Reply) {
	if c.conn == nil {
		c.answer <- reply
		return
	}
	r := reply()
	text := fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n",
		r.ContentType, len(r.Body))
	if !c.headOnly {
		text = append(text, r.Body...)
	}
	_ = c.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
	_, _ = c.conn.Write(text) // a caller that has left misses nothing
	_ = c.conn.Close()
}

// drop ends the wait without a response.
func (c *caller) drop() {
	if c.conn == nil {
		c.answer <- nil
		return
	}
	_ = c.conn.Close()
}
