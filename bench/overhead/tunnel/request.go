package main

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"lameduck/bench/internal/websocket"
)

// largestFrame bounds the size of a write, and of an echoed message.
const largestFrame = 16 << 20

// A request is what a client requests at the start of a connection.
type request struct {
	do        string // down, up or echo
	frame     int
	websocket bool
}

// write sends the request, and reads the app's handshake if it is a WebSocket.
func (r request) write(out io.Writer, in *bufio.Reader, address string) error {
	if r.websocket {
		return websocket.Open(out, in, address, fmt.Sprintf("/%s?frame=%d", r.do, r.frame))
	}
	_, err := fmt.Fprintf(out, "%s %d\n", r.do, r.frame)
	return err
}

// readRequest reads a client's request, and accepts it if it is a WebSocket.
func readRequest(in *bufio.Reader, out io.Writer) (request, error) {
	start, err := in.Peek(len("GET "))
	if err != nil {
		return request{}, err
	}
	if string(start) != "GET " {
		line, err := in.ReadString('\n')
		if err != nil {
			return request{}, err
		}
		do, frame, _ := strings.Cut(strings.TrimSpace(line), " ")
		return parseRequest(do, frame, false)
	}
	req, err := http.ReadRequest(in)
	if err != nil {
		return request{}, err
	}
	do, frame := strings.TrimPrefix(req.URL.Path, "/"), req.URL.Query().Get("frame")
	r, err := parseRequest(do, frame, true)
	if err != nil {
		return r, err
	}
	return r, websocket.Accept(out, req)
}

func parseRequest(do, frame string, webSocket bool) (request, error) {
	n, err := strconv.Atoi(frame)
	r := request{do, n, webSocket}
	if err != nil || n < 1 || n > largestFrame {
		return r, fmt.Errorf("frame %q: must be from 1 to %d", frame, largestFrame)
	}
	switch do {
	case "down", "up", "echo":
		return r, nil
	}
	return r, fmt.Errorf("%q: must be down, up or echo", do)
}

// message returns the bytes of one write, which is a frame on a WebSocket.
func (r request) message(client bool) []byte {
	var header []byte
	if r.websocket {
		header = websocket.AppendHeader(nil, int64(r.frame), client)
	}
	return append(header, make([]byte, r.frame)...)
}
