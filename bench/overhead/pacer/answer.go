package main

import (
	"bytes"
	"fmt"
	"net/textproto"
	"strconv"
	"strings"
)

// checkAnswer reports whether the bytes are a complete response with status 200. It supports only
// bodies with a Content-Length, as all proxies send them here.
func checkAnswer(text []byte) (whole bool, err error) {
	head, body, found := bytes.Cut(text, []byte("\r\n\r\n"))
	if !found {
		return false, nil
	}
	status, fields, _ := strings.Cut(string(head), "\r\n")
	if !strings.HasPrefix(status, "HTTP/1.1 200 ") {
		return false, fmt.Errorf("got %q, want HTTP/1.1 200", status)
	}
	length, err := contentLength(fields)
	if err != nil {
		return false, err
	}
	if len(body) > length {
		return false, fmt.Errorf("%d bytes follow a response", len(body)-length)
	}
	return len(body) == length, nil
}

func contentLength(fields string) (int, error) {
	for line := range strings.SplitSeq(fields, "\r\n") {
		name, value, _ := strings.Cut(line, ":")
		if textproto.CanonicalMIMEHeaderKey(name) == "Content-Length" {
			return strconv.Atoi(strings.TrimSpace(value))
		}
	}
	return 0, fmt.Errorf("no Content-Length among the field lines %q", fields)
}
