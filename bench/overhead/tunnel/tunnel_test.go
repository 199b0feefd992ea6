package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"lameduck/bench/internal/websocket"
)

// started is the address of an app.
func started(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go handle(conn.(*net.TCPConn))
		}
	}()
	return l.Addr().String()
}

func TestBytesReachTheOtherEnd(t *testing.T) {
	address := started(t)
	for _, l := range []load{
		{}, {up: true}, {websocket: true, frame: 16 << 10}, {websocket: true, up: true, frame: 1 << 20},
	} {
		l.address, l.connections, l.duration = address, 3, 50*time.Millisecond
		l.frame = max(l.frame, 64<<10)
		s, err := l.run(t.Context())
		for err == nil && s.Bytes == 0 && l.duration < time.Minute { // the machine may be busy
			l.duration *= 2
			s, err = l.run(t.Context())
		}
		if err != nil || s.Bytes == 0 || s.Seconds < l.duration.Seconds() {
			t.Errorf("result of %+v: %+v, %v", l, s, err)
		}
	}
}

// heardBy reads from one connection for a while and then calls then, and returns its address.
func heardBy(t *testing.T, then func(net.Conn)) (address string) {
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
		then(conn)
	}()
	return l.Addr().String()
}

func TestWhatIsSentIsWhatArrives(t *testing.T) {
	arrived := make(chan int64, 1)
	address := heardBy(t, func(conn net.Conn) {
		in := bufio.NewReader(conn)
		if _, err := readRequest(in, conn); err != nil {
			t.Error(err)
		}
		n, _ := io.Copy(io.Discard, in)
		arrived <- n
	})
	s, err := load{up: true, frame: 10_000, connections: 1, duration: 50 * time.Millisecond, address: address}.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if n := <-arrived; n != s.Bytes {
		t.Errorf("%d bytes arrived, counted were %d", n, s.Bytes)
	}
}

func TestTunnelsThatEndEarlyAreErrors(t *testing.T) {
	for _, up := range []bool{false, true} {
		address := heardBy(t, func(conn net.Conn) { io.CopyN(io.Discard, conn, 3) })
		s, err := load{up: up, frame: 10_000, connections: 1, duration: time.Minute, address: address}.run(t.Context())
		if err == nil || !strings.Contains(err.Error(), "the tunnel ended after") {
			t.Errorf("up %v: %+v, %v", up, s, err)
		}
	}
}

func TestEchoSendsBack(t *testing.T) {
	address := started(t)
	for _, spoken := range []bool{false, true} {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		in := bufio.NewReader(conn)
		if err := (request{"echo", 1, spoken}).write(conn, in, address); err != nil {
			t.Fatal(err)
		}
		text := bytes.Repeat([]byte("abc"), 1000)
		if spoken {
			conn.Write(websocket.AppendHeader(nil, int64(len(text)), true))
		}
		conn.Write(text)
		if spoken {
			if n, err := websocket.ReadHeader(in); err != nil || n != int64(len(text)) {
				t.Errorf("a message of %d bytes came back, %v", n, err)
			}
		}
		got := make([]byte, len(text))
		if _, err := io.ReadFull(in, got); err != nil || !bytes.Equal(got, text) {
			t.Errorf("WebSocket %v: %q came back, %v", spoken, got, err)
		}
	}
}

func TestWishesThatMakeNoSenseAreNotGranted(t *testing.T) {
	for _, said := range []string{
		"sideways 10\n", "down\n", "down 0\n", "down many\n", "up 1000000000\n", "down 10", "x",
		"GET /down?frame=10 HTTP/1.1\r\nHost: app\r\n\r\n", "GET /down HTTP/1.1\r\nHost: app\r\nUpgrade: websocket\r\n\r\n", "GET /\r\n\r\n",
	} {
		var out bytes.Buffer
		if w, err := readRequest(bufio.NewReader(strings.NewReader(said)), &out); err == nil || out.Len() > 0 {
			t.Errorf("%q is understood as %+v and answered with %q", said, w, &out)
		}
	}
}

func TestArgumentsThatMakeNoSenseAreRefused(t *testing.T) {
	for args, want := range map[string]string{
		"":                         "app ADDRESS, or load",
		"app":                      "app ADDRESS, or load",
		"load":                     "want one address",
		"load -frame 0 x":          "-frame 0",
		"load -connections 0 x":    "-connections 0",
		"load -duration 0s x":      "-duration 0s",
		"load -fast x":             "-fast",
		"load 127.0.0.1:1":         "refused",
		"app 127.0.0.1:notanumber": "notanumber",
	} {
		err := run(t.Context(), strings.Fields(args), io.Discard, io.Discard)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: the error is %v, want %q in it", args, err, want)
		}
	}
}

func TestLoadPrintsItsSummary(t *testing.T) {
	var out strings.Builder
	err := run(t.Context(), strings.Fields("load -duration 50ms -connections 1 "+started(t)), &out, io.Discard)
	var s summary
	if err == nil {
		err = json.Unmarshal([]byte(out.String()), &s)
	}
	if err != nil || !strings.HasPrefix(out.String(), `{"bytes":`) || s.Seconds < 0.05 {
		t.Errorf("printed is %q, %v", out.String(), err)
	}
}

func TestAppEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- serve(ctx, "127.0.0.1:0") }()
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
