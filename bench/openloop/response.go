package openloop

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
)

// A Stream is the incoming half of an HTTP/1 connection.
type Stream interface {
	// Buffer returns the reader of the connection.
	Buffer() *bufio.Reader
	// End returns the error of the last read from the connection. HTTP parsers report a message that
	// ends in its head as malformed; End distinguishes the two.
	End() error
}

// ReadHead reads the head of a final HTTP/1 response to a request with the given method. It peeks
// first, to distinguish an end before the first byte from a later one. Its error is a failure.
func ReadHead(s Stream, method string) (*http.Response, error) {
	if _, err := s.Buffer().Peek(1); err != nil {
		return nil, EndFailure(fmt.Errorf("wait for response: %w", err))
	}
	for {
		resp, err := http.ReadResponse(s.Buffer(), &http.Request{Method: method})
		if err != nil {
			return nil, Broken(s, fmt.Errorf("read head: %w", err))
		}
		if resp.StatusCode >= http.StatusOK || resp.StatusCode == http.StatusSwitchingProtocols {
			return resp, nil
		}
		// This is an interim response. The final one is still to come.
	}
}

// ReadBody copies the body of a response to its end. Its error is a failure.
func ReadBody(s Stream, body io.Reader, into io.Writer) error {
	if _, err := io.Copy(into, body); err != nil {
		return Broken(s, fmt.Errorf("read body: %w", err))
	}
	return nil
}

// Broken returns the failure of a response that ended too early or is not HTTP.
func Broken(s Stream, err error) error {
	switch end := s.End(); {
	case end == nil:
		return Fail(Garbled, err)
	case isTimeout(end):
		return Fail(Timeout, err)
	}
	return Fail(Truncated, err)
}
