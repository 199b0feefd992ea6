package proxy

import (
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
)

// headOf returns a head of exactly size bytes.
func headOf(startLine string, size int) string {
	const end = "\r\nA: \r\n\r\n"
	return startLine + end[:len(end)-4] + strings.Repeat("a", size-len(startLine)-len(end)) + end[len(end)-4:]
}

func TestHeadSize_TheLargestHeadPassesAndNoLargerOne(t *testing.T) {
	const limit = 1 << 10
	for _, slowly := range []bool{false, true} {
		send := (*peer).send
		if slowly {
			send = (*peer).sendSlowly
		}
		inBubble(t, Config{MaxHeaderSize: limit}, func(r *rig) {
			request, response := headOf("GET / HTTP/1.1", limit), headOf("HTTP/1.1 204 No Content", limit)
			client, app := r.connect()
			for range 2 {
				send(client, request)
				app.wants(request)
				send(app, response)
				client.wants(response)
			}
			go func() { _, _ = io.WriteString(client.conn, headOf("GET / HTTP/1.1", limit+1)) }()
			client.wantsAnswer("431")
			app.wantsReset()
		})
		inBubble(t, Config{MaxHeaderSize: limit}, func(r *rig) {
			client, app := r.connect()
			client.send(get)
			app.wants(get)
			go func() { _, _ = io.WriteString(app.conn, headOf("HTTP/1.1 204 No Content", limit+1)) }()
			client.wantsAnswer("502")
			app.wantsReset()
		})
	}
}

func TestHeadSize_TheDefaultIs64KiB(t *testing.T) {
	for size, status := range map[int]string{64 << 10: "", 64<<10 + 1: "431"} {
		inBubble(t, Config{}, func(r *rig) {
			client, app := r.connect()
			request := headOf("GET / HTTP/1.1", size)
			go func() { _, _ = io.WriteString(client.conn, request) }()
			if status != "" {
				client.wantsAnswer(status)
				return
			}
			app.wants(request)
		})
	}
}

// Heads larger than any pooled buffer are relayed, with the close option where it belongs.
func TestHeadSize_HeadsBeyondTheDefaultPassIfTheyMay(t *testing.T) {
	const size = 300 << 10
	app := listenLoopback(t)
	s, address := onLoopback(t, Config{MaxHeaderSize: 1 << 20}, app)
	request, response := headOf("GET / HTTP/1.1", size), headOf("HTTP/1.1 204 No Content", size)
	client, server := connected(t, address, app)
	for range 3 {
		passesInPieces(t, client, server, []string{request + "\r\n"})
		passesInPieces(t, server, client, []string{response})
	}
	s.Drain()
	passesInPieces(t, client, server, []string{request})
	passes(t, server, client, response, strings.TrimSuffix(response, "\r\n")+"Connection: close\r\n\r\n")
	wantsEOF(t, client)
}

// passes sends a message and expects want on the other side.
func passes(t *testing.T, from, to net.Conn, sent, want string) {
	t.Helper()
	go func() { _, _ = io.WriteString(from, sent) }()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(to, got); err != nil || string(got) != want {
		t.Fatalf("of %d bytes %d arrived, error %v; want %d", len(sent), n, err, len(want))
	}
}

func TestHeadSize_AnEndlessLineIsRefused(t *testing.T) {
	inBubble(t, Config{MaxHeaderSize: 2 << 10}, func(r *rig) {
		client, _ := r.connect()
		client.send(get[:16])
		for range 2 {
			client.send(strings.Repeat("a", 1000))
			synctest.Wait()
			client.wantsOpen()
		}
		client.send(strings.Repeat("a", 1000))
		client.wantsAnswer("431")
	})
}
