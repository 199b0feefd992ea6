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

// largestFrame bounds what is sent at a time, and what is echoed at all.
const largestFrame = 16 << 20

// A wish is what a client wants of a connection.
type wish struct {
	do        string // down, up or echo
	frame     int
	websocket bool
}

// tell sends the wish, and with WebSocket reads the app's answer to it.
func (w wish) tell(out io.Writer, in *bufio.Reader, address string) error {
	if w.websocket {
		return websocket.Open(out, in, address, fmt.Sprintf("/%s?frame=%d", w.do, w.frame))
	}
	_, err := fmt.Fprintf(out, "%s %d\n", w.do, w.frame)
	return err
}

// hear reads a client's wish, and with WebSocket answers it.
func hear(in *bufio.Reader, out io.Writer) (wish, error) {
	begin, err := in.Peek(len("GET "))
	if err != nil {
		return wish{}, err
	}
	if string(begin) != "GET " {
		line, err := in.ReadString('\n')
		if err != nil {
			return wish{}, err
		}
		do, frame, _ := strings.Cut(strings.TrimSpace(line), " ")
		return newWish(do, frame, false)
	}
	req, err := http.ReadRequest(in)
	if err != nil {
		return wish{}, err
	}
	w, err := newWish(strings.TrimPrefix(req.URL.Path, "/"), req.URL.Query().Get("frame"), true)
	if err != nil {
		return w, err
	}
	return w, websocket.Accept(out, req)
}

func newWish(do, frame string, spoken bool) (wish, error) {
	n, err := strconv.Atoi(frame)
	w := wish{do, n, spoken}
	if err != nil || n < 1 || n > largestFrame {
		return w, fmt.Errorf("frame %q: 1 to %d is needed", frame, largestFrame)
	}
	switch do {
	case "down", "up", "echo":
		return w, nil
	}
	return w, fmt.Errorf("%q: down, up or echo is needed", do)
}

// message is what is sent at a time: a frame on a WebSocket.
func (w wish) message(client bool) []byte {
	var header []byte
	if w.websocket {
		header = websocket.AppendHeader(nil, int64(w.frame), client)
	}
	return append(header, make([]byte, w.frame)...)
}
