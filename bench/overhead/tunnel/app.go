package main

import (
	"bufio"
	"context"
	"io"
	"net"

	"lameduck/bench/internal/websocket"
)

// serve grants the wishes of every client until ctx is done.
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
		go grant(conn.(*net.TCPConn))
	}
}

// grant does what a client wants until either side ends the connection. What
// went wrong shows at the client.
func grant(conn *net.TCPConn) {
	defer conn.Close()
	// Small, since there are thousands that do nothing.
	in := bufio.NewReaderSize(conn, 512)
	w, err := hear(in, conn)
	if err != nil {
		return
	}
	switch {
	case w.do == "down":
		_, _ = send(conn, w.message(false))
	case w.do == "up":
		_, _ = discard(conn) // what the buffer has is gone as well
	case w.websocket:
		_ = echoMessages(conn, in)
	default:
		_, _ = io.Copy(conn, in)
	}
}

// send sends a message over and over until that fails.
func send(conn net.Conn, message []byte) (sent int64, err error) {
	for err == nil {
		var n int
		n, err = conn.Write(message)
		sent += int64(n)
	}
	return sent, err
}

// echoMessages sends messages back until that fails.
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
