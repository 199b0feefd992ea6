package proxy

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const (
	getEvents = "GET /events HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n"

	events        = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
	chunkedEvents = events + "Transfer-Encoding: chunked\r\n\r\n"
	event         = "data: a\n\n"
	eventChunk    = "9\r\ndata: a\n\n\r\n"
)

// streaming opens a connection whose EventSource request is answered with this head.
func streaming(r *rig, head string) (client, app *peer) { return answering(r, getEvents, head) }

// answering opens a connection whose request is answered with this head.
func answering(r *rig, request, head string) (client, app *peer) {
	client, app = r.connect()
	client.send(request)
	app.wants(request)
	app.send(head)
	client.wants(head)
	return client, app
}

func TestAnEventStreamEndsBetweenTwoEvents(t *testing.T) {
	for name, test := range map[string]struct{ head, before, then, end string }{
		"before the first event":       {chunkedEvents, "", "", "0\r\n\r\n"},
		"after a whole event":          {chunkedEvents, eventChunk, "", "0\r\n\r\n"},
		"not within an event":          {chunkedEvents, "8\r\ndata: a\n\r\n", "1\r\n\n\r\n", "0\r\n\r\n"},
		"not within a chunk":           {chunkedEvents, "a\r\ndata: a\n\n", ":\r\n1\r\n\n\r\n", "0\r\n\r\n"},
		"not within a chunk's framing": {chunkedEvents, eventChunk + "1", "\r\n\n\r\n", "0\r\n\r\n"},
		"after a comment":              {chunkedEvents, "2\r\n:\n\r\n", "", "0\r\n\r\n"},
		"with the connection":          {events + "\r\n", event, "", ""},
		"with lines that end with CR":  {events + "\r\n", "data: a\r\r", "", ""},
		"and with CR LF":               {events + "\r\n", "data: a\r\n", "\r\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Config{}, func(r *rig) {
				client, app := streaming(r, test.head)
				app.send(test.before)
				client.wants(test.before)
				r.server.Drain()
				time.Sleep(time.Second)
				if test.then != "" {
					client.wantsOpen()
					app.send(test.then)
				}
				client.wants(test.then + test.end)
				client.wantsEnd()
				client.closes()
				app.wantsEnd()
				synctest.Wait()
				if n := r.server.stats.ended[http1][endedDrain].Load(); n != 1 {
					t.Errorf("%d connections count as ended by the drain, want 1", n)
				}
			})
		})
	}
}

func TestAnEventStreamHasItsTurn(t *testing.T) {
	const spread = 10 * time.Second
	inBubble(t, Config{TunnelSpread: spread}, func(r *rig) {
		r.server.Drain()
		// A stream that begins while draining gets the close option in its head, and is ended in
		// its turn like the others.
		client, app := r.connect()
		client.send(getEvents)
		app.wants(getEvents)
		app.send(chunkedEvents + eventChunk)
		client.wants(closing(chunkedEvents) + eventChunk)
		time.Sleep(spread)
		client.wants("0\r\n\r\n")
		client.wantsEnd()
	})
}

func TestAnEventStreamIsLeftAlone(t *testing.T) {
	for name, test := range map[string]struct {
		config Config
		head   string
		drain  bool
	}{
		"while serving":         {Config{}, chunkedEvents, false},
		"where that is wanted":  {Config{KeepEventStreams: true}, chunkedEvents, true},
		"where it is encoded":   {Config{}, events + "Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n", true},
		"where it is something": {Config{}, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", true},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, test.config, func(r *rig) {
				client, app := streaming(r, test.head)
				if test.drain {
					r.server.Drain()
				}
				for range 100 {
					time.Sleep(time.Minute)
					app.send(eventChunk)
					client.wants(eventChunk)
				}
				app.send("0\r\n\r\n")
				client.wants("0\r\n\r\n")
			})
		})
	}
}

// A client that is not an EventSource, or whose response an EventSource would not accept, does not
// request the missed events again.
func TestAnEventStreamWithoutReconnectingClientIsFinished(t *testing.T) {
	post := func(fields string) string {
		return "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\n" + fields + "Content-Length: 2\r\n\r\n{}"
	}
	get := func(fields string) string { return "GET / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n" }
	for name, test := range map[string]struct{ request, status string }{
		"of a POST":                            {post(""), "200 OK"},
		"of a POST that accepts event streams": {post("Accept: application/json, text/event-stream\r\n"), "200 OK"},
		"of a GET without Accept":              {get(""), "200 OK"},
		"of a GET that accepts anything":       {get("Accept: */*\r\n"), "200 OK"},
		"that is an error":                     {getEvents, "503 Service Unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Config{}, func(r *rig) {
				head := strings.Replace(chunkedEvents, "200 OK", test.status, 1)
				client, app := answering(r, test.request, head)
				r.server.Drain()
				for range 10 {
					time.Sleep(time.Minute)
					app.send(eventChunk)
					client.wants(eventChunk)
					client.wantsOpen()
				}
				app.send("0\r\n\r\n")
				client.wants("0\r\n\r\n")
			})
		})
	}
}

// The exchange that is being answered counts, not the last one that was read.
func TestAPipelinedEventSourceEndsNoOtherEventStream(t *testing.T) {
	inBubble(t, Config{}, func(r *rig) {
		client, app := answering(r, get, chunkedEvents)
		client.send(getEvents)
		app.wants(getEvents)
		r.server.Drain()
		time.Sleep(time.Minute)
		client.wantsOpen()
		app.send(eventChunk + "0\r\n\r\n" + chunkedEvents)
		client.wants(eventChunk + "0\r\n\r\n" + closing(chunkedEvents) + lastChunk)
		client.wantsEnd()
	})
}

// closing returns a head with the close option.
func closing(head string) string { return head[:len(head)-2] + "Connection: close\r\n\r\n" }

func TestARequestBehindAnEventStreamIsAnswered(t *testing.T) {
	inBubble(t, Config{}, func(r *rig) {
		client, app := streaming(r, chunkedEvents)
		client.send(get)
		app.wants(get)
		r.server.Drain()
		time.Sleep(time.Minute)
		client.wantsOpen()
		app.send("0\r\n\r\n" + ok)
		client.wants("0\r\n\r\n" + okClose)
	})
}

func TestAConnectionIsUsedOnAfterAnEventStream(t *testing.T) {
	inBubble(t, Config{}, func(r *rig) {
		client, app := streaming(r, chunkedEvents)
		app.send(eventChunk + "0\r\n\r\n")
		client.wants(eventChunk + "0\r\n\r\n")
		r.server.Drain()
		time.Sleep(time.Minute)
		client.wantsOpen()
		client.send(get)
		app.wants(get)
		app.send(ok)
		client.wants(okClose)
	})
}

func TestASecondEventStreamHasATurnOfItsOwn(t *testing.T) {
	const n, spread = 10, 10 * time.Second
	inBubble(t, Config{TunnelSpread: spread}, func(r *rig) {
		var clients, apps [n]*peer
		for i := range n {
			clients[i], apps[i] = streaming(r, chunkedEvents)
		}
		r.server.Drain()
		for i := range n {
			apps[i].send("0\r\n\r\n")
			clients[i].wants("0\r\n\r\n")
		}
		time.Sleep(spread)
		for i := range n {
			clients[i].send(getEvents)
			apps[i].wants(getEvents)
			apps[i].send(chunkedEvents)
		}
		atOnce := 0
		for _, c := range clients {
			if strings.HasSuffix(string(c.taken()), lastChunk) {
				atOnce++
			}
		}
		if atOnce > n/2 {
			t.Errorf("%d of %d streams were ended at once", atOnce, n)
		}
		time.Sleep(spread)
		for _, c := range clients {
			c.taken()
			c.wantsEnd()
		}
	})
}
