package main

import (
	"bufio"
	"context"
	"io"
	"net"

	"lameduck/bench/internal/websocket"
)

// serve serves the requests of every client until ctx is done.
func serve(ctx context.Context, address string) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	for {
		conn, err := l.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		go handle(conn.(*net.TCPConn))
	}
}

// handle does what a client requests until either side ends the connection. Errors are visible at
// the client.
func handle(conn *net.TCPConn) {
	defer conn.Close()
	// A small buffer, since thousands of connections are idle.
	in := bufio.NewReaderSize(conn, 512)
	r, err := readRequest(in, conn)
	if err != nil {
		return
	}
	switch {
	case r.do == "down":
		_, _ = send(conn, r.message(false))
	case r.do == "up":
		_, _ = discard(conn) // the content of the buffer is discarded, too
	case r.websocket:
		_ = echoMessages(conn, in)
	default:
		_, _ = io.Copy(conn, in)
	}
}

// send sends a message repeatedly until that fails.
func send(conn net.Conn, message []byte) (sent int64, err error) {
	for err == nil {
		var n int
		n, err = conn.Write(message)
		sent += int64(n)
	}
	return sent, err
}

// echoMessages echoes messages until that fails.
func echoMessages(out io.Writer, in io.Reader) error {
	for {
		length, err := websocket.ReadHeader(in)
		if err != nil {
			return err
		}
		if length > largestFrame {
			return io.ErrShortBuffer
		}
		header := websocket.AppendHeader(nil, length, false)
		message := append(header, make([]byte, length)...)
		if _, err := io.ReadFull(in, message[len(header):]); err != nil {
			return err
		}
		if _, err := out.Write(message); err != nil {
			return err
		}
	}
}
