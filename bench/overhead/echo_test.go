package main

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"lameduck/bench/internal/websocket"
)

// heardBy serves one connection with do, and returns its address.
func heardBy(t *testing.T, do func(in *bufio.Reader, out io.Writer)) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		do(bufio.NewReader(conn), conn)
	}()
	return l.Addr().String()
}

func TestEchoRefusesOtherAnswers(t *testing.T) {
	accept := func(in *bufio.Reader, out io.Writer) {
		if req, err := http.ReadRequest(in); err == nil {
			websocket.Accept(out, req)
		}
	}
	for _, c := range []struct {
		spoken protocol
		app    func(in *bufio.Reader, out io.Writer)
		want   string
	}{
		{tcp, func(in *bufio.Reader, out io.Writer) {
			io.WriteString(out, strings.Repeat("y", smallBody))
			io.Copy(io.Discard, in)
		}, "the echo differs from the message"},
		{tcp, func(*bufio.Reader, io.Writer) {}, ""},
		{webSocket, func(_ *bufio.Reader, out io.Writer) { io.WriteString(out, "HTTP/1.1 502 Bad Gateway\r\n\r\n") }, "502 Bad Gateway"},
		{webSocket, func(in *bufio.Reader, out io.Writer) {
			accept(in, out)
			out.Write(websocket.AppendHeader(nil, 3, false))
			io.Copy(io.Discard, in)
		}, "got an echo of 3 bytes, want 64"},
	} {
		err := c.spoken.greet(t.Context(), heardBy(t, c.app))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: the error is %v, want %q in it", c.spoken, err, c.want)
		}
	}
}

func TestLargeMessagesComeBackWhole(t *testing.T) {
	for _, spoken := range []protocol{webSocket, tcp} {
		if err := spoken.echo(t.Context(), startedApp(t, spoken).paths.Listen, largeBody); err != nil {
			t.Errorf("%s: %v", spoken, err)
		}
	}
}
