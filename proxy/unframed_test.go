package proxy

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lameduck/lifecycle/silence"
)

// expecting is the head of a request whose client waits for a response before it sends the body.
const expecting = "POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"

// final is a final response to it that keeps the connection.
const expectationFailed = "HTTP/1.1 417 Expectation Failed\r\nContent-Length: 2\r\n\r\nno"

// unframedBy opens a connection, makes it unframed and returns both sides.
func unframedBy(r *rig, request, response string) (client, app *peer) {
	client, app = r.connect()
	client.send(request)
	app.wants(request)
	app.send(response)
	client.wants(response)
	return client, app
}

func TestUnframed_WhateverFollowsAFinalAnswerWithout100Passes(t *testing.T) {
	requests := map[string]string{
		"a length":           expecting,
		"chunks":             "PUT / HTTP/1.1\r\nexpect: 100-Continue\r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.0, kept":     "POST / HTTP/1.0\r\nConnection: keep-alive\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n",
		"an upgrade as well": "POST / HTTP/1.1\r\nUpgrade: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n",
	}
	responses := map[string]string{
		"417":               expectationFailed,
		"401":               "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n",
		"413, chunked":      "HTTP/1.1 413 Too Large\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
		"200":               ok,
		"204 behind a hint": "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
	}
	follows := map[string][]string{
		"the next request":       {get, get},
		"the body":               {"hello", get, get},
		"the body in pieces":     {"h", "ello", get},
		"the body and a request": {"hello" + get, get},
		"a request in pieces":    {get[:3], get[3:], post},
		"an exchange of any kind": {
			"GET /ws HTTP/1.1\r\nUpgrade: websocket\r\n\r\n", "\x81\x85\x00\x00\x00\x00hello",
		},
	}
	for how, request := range requests {
		for status, response := range responses {
			for what, pieces := range follows {
				t.Run(fmt.Sprintf("%s, %s, %s", how, status, what), func(t *testing.T) {
					inBubble(t, Config{}, func(r *rig) {
						client, app := unframedBy(r, request, response)
						for _, p := range pieces {
							client.send(p)
							app.wants(p)
						}
						app.send(ok)
						client.wants(ok)
						client.wantsOpen()
						app.ends()
						client.wantsEnd()
					})
				})
			}
		}
	}
}

// If it is known what follows, the connection is interpreted, and its client can be asked to
// disconnect.
func TestUnframed_NotWhereTheBodyFollowsForCertain(t *testing.T) {
	for name, converse := range map[string]func(client, app *peer){
		"behind a 100": func(client, app *peer) {
			client.send(expecting)
			app.wants(expecting)
			app.send("HTTP/1.1 100 Continue\r\n\r\n")
			client.wants("HTTP/1.1 100 Continue\r\n\r\n")
			app.send(expectationFailed)
			client.wants(expectationFailed)
			client.send("hello")
			app.wants("hello")
		},
		"when it has begun": func(client, app *peer) {
			client.send(expecting + "h")
			app.wants(expecting + "h")
			app.send(expectationFailed)
			client.wants(expectationFailed)
			client.send("ello")
			app.wants("ello")
		},
		"when it has begun later": func(client, app *peer) {
			client.send(expecting)
			app.wants(expecting)
			client.send("h")
			app.wants("h")
			app.send(expectationFailed)
			client.wants(expectationFailed)
			client.send("ello")
			app.wants("ello")
		},
		"when nothing is to wait for": func(client, app *peer) {
			client.send("POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n")
			app.wants("POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n")
			app.send(expectationFailed)
			client.wants(expectationFailed)
		},
		"without Expect": func(client, app *peer) {
			client.send(post[:len(post)-4])
			app.wants(post[:len(post)-4])
			app.send(expectationFailed)
			client.wants(expectationFailed)
			client.send("body")
			app.wants("body")
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Config{}, func(r *rig) {
				client, app := r.connect()
				converse(client, app)
				r.server.Drain()
				client.send(get)
				app.wants(get)
				app.send(ok)
				client.wants(okClose)
				client.wantsEnd()
			})
		})
	}
}

// On a connection that closes after the exchange, only the body can follow.
func TestUnframed_NotOnAConnectionThatEndsWithTheExchange(t *testing.T) {
	closing := strings.Replace(expectationFailed, "Content", "Connection: close\r\nContent", 1)
	for name, test := range map[string]struct{ request, response string }{
		"as the app says":         {expecting, closing},
		"as the client says":      {strings.Replace(expecting, "Expect", "Connection: close\r\nExpect", 1), expectationFailed},
		"in HTTP/1.0":             {strings.Replace(expecting, "HTTP/1.1", "HTTP/1.0", 1), expectationFailed},
		"to an app of HTTP/1.0":   {expecting, strings.Replace(expectationFailed, "HTTP/1.1", "HTTP/1.0", 1)},
		"with a body until close": {expecting, "HTTP/1.1 417 x\r\n\r\nuntil the end"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Config{}, func(r *rig) {
				client, app := unframedBy(r, test.request, test.response)
				client.send("hello")
				app.wants("hello")
				for _, c := range r.server.all() {
					if c.speaks() == unframed {
						t.Error("the connection is unframed")
					}
				}
				app.closes()
				client.wantsEnd()
			})
		})
	}
}

func TestUnframed_PipelinedRequests(t *testing.T) {
	inBubble(t, Config{}, func(r *rig) {
		client, app := r.connect()
		client.send(get + expecting)
		app.wants(get + expecting)
		app.send(ok)
		client.wants(ok)
		app.send(expectationFailed)
		client.wants(expectationFailed)
		client.send(get)
		app.wants(get)
	})
	t.Run("are answered before the drain ends the connection", func(t *testing.T) {
		inBubble(t, Config{}, func(r *rig) {
			client, app := r.connect()
			client.send(get + expecting)
			app.wants(get + expecting)
			r.server.Drain()
			app.send(ok + expectationFailed)
			client.wants(ok + withClose(expectationFailed))
			client.wantsEnd()
		})
	})
}

// The close option removes the doubt: a client that has got it sends no further request.
func TestUnframed_InADrainTheFinalAnswerHasTheCloseOption(t *testing.T) {
	const denied = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno"
	deniedClose := withClose(denied)
	t.Run("and the connection ends", func(t *testing.T) {
		inBubble(t, Config{}, func(r *rig) {
			r.server.Drain()
			client, app := r.connect()
			client.send(expecting)
			app.wants(expecting)
			app.send(denied)
			client.wants(deniedClose)
			client.wantsEnd()
			client.closes()
			app.wantsEnd()
			wantsInFlight(r, 0)
		})
	})
	t.Run("and the body is relayed if it is sent", func(t *testing.T) {
		inBubble(t, Config{}, func(r *rig) {
			r.server.Drain()
			client, app := r.connect()
			client.send(expecting)
			app.wants(expecting)
			app.send(denied)
			client.wants(deniedClose)
			client.send("hello" + get)
			app.wants("hello")
		})
	})
}

// A client repeats the request without Expect only on the same connection.
func TestUnframed_InADrainARequestThatFailedItsExpectationIsRepeated(t *testing.T) {
	inBubble(t, Config{}, func(r *rig) {
		r.server.Drain()
		client, app := r.connect()
		client.send(expecting)
		app.wants(expecting)
		app.send(expectationFailed)
		client.wants(expectationFailed)
		client.send(post)
		app.wants(post)
		wantsInFlight(r, 1)
		app.send(ok)
		client.wants(ok)
		time.Sleep(unframedQuiet)
		wantsInFlight(r, 0)
		r.server.CloseIdle()
		client.wantsEnd()
		app.wantsEnd()
	})
}

// withClose returns a response with the close option.
func withClose(response string) string {
	return strings.Replace(response, "\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1)
}

func wantsInFlight(r *rig, want int) {
	r.t.Helper()
	synctest.Wait()
	if n := r.server.Forecast(silence.Rule{}).InFlight; n != want {
		r.t.Errorf("%d exchanges are in flight, want %d", n, want)
	}
}

func TestUnframed_AConnectionThatIsQuietIsIdle(t *testing.T) {
	inBubble(t, Config{}, func(r *rig) {
		client, app := unframedBy(r, expecting, expectationFailed)
		wantsInFlight(r, 0)
		r.server.Drain()
		client.send(get)
		app.wants(get)
		time.Sleep(time.Minute)
		wantsInFlight(r, 1) // the answer is outstanding
		r.server.CloseIdle()
		app.wantsOpen()
		app.send(ok)
		client.wants(ok)
		wantsInFlight(r, 1) // it may send more
		time.Sleep(unframedQuiet)
		wantsInFlight(r, 0)
		client.wantsOpen()
		r.server.CloseIdle()
		client.wantsEnd()
		app.wantsEnd()
	})
}

// The end of such a response shows its length, so a part would look complete.
func TestUnframed_AResponseUntilCloseLooksCutAlthoughItIsQuiet(t *testing.T) {
	for name, test := range map[string]struct {
		response []string
		end      func(*peer)
	}{
		"until close":                  {[]string{untilClose, "a,b\n"}, (*peer).wantsReset},
		"until close, behind a hint":   {[]string{"HTTP/1.1 103 Early Hints\r\n\r\n" + untilClose}, (*peer).wantsReset},
		"a head that goes on":          {[]string{"HTTP/1.1 200 OK\r\nA: "}, (*peer).wantsReset},
		"of a length":                  {[]string{ok}, (*peer).wantsEnd},
		"of a length, behind a hint":   {[]string{"HTTP/1.1 103 Early Hints\r\n\r\n" + ok}, (*peer).wantsEnd},
		"of a length, after the other": {[]string{untilClose, ok}, (*peer).wantsEnd},
	} {
		for how, finish := range map[string]func(*Server){
			"cut":            func(s *Server) { s.Cut() },
			"closed as idle": (*Server).CloseIdle,
		} {
			t.Run(name+", "+how, func(t *testing.T) {
				inBubble(t, Config{}, func(r *rig) {
					client, app := unframedBy(r, expecting, expectationFailed)
					client.send(get)
					app.wants(get)
					for _, part := range test.response {
						app.send(part)
						client.wants(part)
					}
					time.Sleep(2 * unframedQuiet)
					finish(r.server)
					test.end(client)
				})
			})
		}
	}
}

// An app may read the body without having sent a 100.
func TestUnframed_AnUnansweredBodyDoesNotHoldTheDrain(t *testing.T) {
	inBubble(t, Config{}, func(r *rig) {
		client, app := unframedBy(r, expecting, expectationFailed)
		r.server.Drain()
		client.send("hello")
		app.wants("hello")
		wantsInFlight(r, 1)
		time.Sleep(unframedQuiet)
		wantsInFlight(r, 0)
	})
}

func TestUnframed_ARequestDuringTheFinalAnswerIsInFlightBehindIt(t *testing.T) {
	inBubble(t, Config{}, func(r *rig) {
		client, app := unframedBy(r, expecting, expectationFailed[:len(expectationFailed)-1])
		client.send(get)
		app.wants(get)
		time.Sleep(2 * unframedQuiet)
		wantsInFlight(r, 1)
		app.send(expectationFailed[len(expectationFailed)-1:])
		client.wants(expectationFailed[len(expectationFailed)-1:])
		time.Sleep(2 * unframedQuiet)
		wantsInFlight(r, 1)
		app.send(ok)
		client.wants(ok)
		time.Sleep(unframedQuiet)
		wantsInFlight(r, 0)
		if n := r.server.stats.exchanges[4].Load(); n != 1 {
			t.Errorf("%d exchanges with a 4xx counted, want only the one that was interpreted", n)
		}
	})
}

func TestUnframed_Ends(t *testing.T) {
	for name, test := range map[string]struct {
		end  func(r *rig, client, app *peer)
		ends func(client, app *peer)
	}{
		"when the client closes":           {func(_ *rig, client, _ *peer) { client.closes() }, func(_, app *peer) { app.wantsEnd() }},
		"when the client resets":           {func(_ *rig, client, _ *peer) { client.resets() }, func(_, app *peer) { app.wantsReset() }},
		"when the app closes":              {func(_ *rig, _, app *peer) { app.closes() }, func(client, _ *peer) { client.wantsEnd() }},
		"when the app resets":              {func(_ *rig, _, app *peer) { app.resets() }, func(client, _ *peer) { client.wantsReset() }},
		"with half of its sides":           {func(_ *rig, client, _ *peer) { client.ends() }, func(_, app *peer) { app.wantsEnd() }},
		"when it is cut":                   {func(r *rig, _, _ *peer) { r.server.Cut() }, func(client, _ *peer) { client.wantsEnd() }},
		"when the client sends and closes": {func(_ *rig, client, app *peer) { client.send("x"); app.wants("x"); client.closes() }, func(_, app *peer) { app.wantsEnd() }},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Config{KeepClient: true}, func(r *rig) {
				client, app := unframedBy(r, expecting, expectationFailed)
				if name != "when it is cut" {
					client.send(get)
					app.wants(get)
				}
				test.end(r, client, app)
				test.ends(client, app)
				time.Sleep(halfCloseTimeout + unframedQuiet)
				r.wantsNoConnections()
				wantsInFlight(r, 0)
			})
		})
	}
}

func TestUnframed_WhatTheAppLeavesUnansweredIsCounted(t *testing.T) {
	inBubble(t, Config{}, func(r *rig) {
		client, app := unframedBy(r, expecting, expectationFailed)
		r.server.Drain()
		client.send(get)
		app.wants(get)
		app.closes()
		synctest.Wait()
		if n := r.server.stats.drainUnanswered.Load(); n != 1 {
			t.Errorf("%d unanswered exchanges counted, want 1", n)
		}
	})
}

// With splicing, parking and waking, the bytes are relayed unchanged.
func TestUnframed_AnUploadAndADownloadPassUnchanged(t *testing.T) {
	app := listenLoopback(t)
	s, address := onLoopback(t, Config{}, app)
	client, server := connected(t, address, app)
	passesInPieces(t, client, server, []string{expecting})
	passesInPieces(t, server, client, []string{expectationFailed})
	large := strings.Repeat("0123456789abcdef", 4<<20/16)
	passesInPieces(t, client, server, []string{"hello", large, get})
	passesInPieces(t, server, client, []string{large, ok})
	for range 2 {
		c := s.all()[0]
		c.current().(*unframedConn).endExchange() // as after its time limit
		if !eventually(func() bool { s.sweep(); return s.parker.parkedConns() == 1 }) {
			t.Fatal("the connection is not parked")
		}
		passesInPieces(t, client, server, []string{get})
		passesInPieces(t, server, client, []string{ok})
	}
	_ = client.Close()
	if b, err := io.ReadAll(server); err != nil || len(b) > 0 {
		t.Errorf("after it the app got %q, error %v", b, err)
	}
}

// The last interpreted response is still relayed: the connection is not idle, whatever the client
// does.
func TestUnframed_IsNotParkedDuringTheFinalAnswer(t *testing.T) {
	app := listenLoopback(t)
	s, address := onLoopback(t, Config{}, app)
	client, server := connected(t, address, app)
	passesInPieces(t, client, server, []string{expecting})
	passesInPieces(t, server, client, []string{expectationFailed[:len(expectationFailed)-1]})
	for range 3 {
		s.sweep()
	}
	passesInPieces(t, server, client, []string{expectationFailed[len(expectationFailed)-1:]})
	passesInPieces(t, client, server, []string{get})
}

// contents is content without a length, as the clients of these servers send it.
var contents = map[string]struct {
	request string
	begin   string   // of the response, before the content
	pieces  []string // of the content
	rest    string   // of the response
}{
	"NTRIP": {
		"GET /RTCM HTTP/1.0\r\n\r\n", "ICY 200 OK\r\n\r\n",
		[]string{"$GP", "GGA,1,2*00\r\n", "$GPGGA,3,4*00\r\n"}, "\xd3\x00",
	},
	"NTRIP, before the response": {
		"GET /RTCM HTTP/1.0\r\n\r\n", "",
		[]string{"$GPGGA,1,2*00\r\n"}, "ICY 200 OK\r\n\r\n\xd3\x00",
	},
	"NTRIP 2": {
		"GET /RTCM HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n",
		[]string{"$GP", "GGA,1,2*00\r\n"}, "1\r\nb\r\n",
	},
	"Icecast": {
		"SOURCE /live HTTP/1.0\r\n\r\n", "HTTP/1.0 200 OK\r\n\r\n",
		[]string{"\xff\xfbaudio", "OggS\x00"}, "",
	},
	"Icecast, PUT": {
		"PUT /live HTTP/1.1\r\nExpect: 100-continue\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n",
		[]string{"OggS\x00", "\xff\n", "audio"}, ok,
	},
	"Docker": {post, untilClose, []string{"l", "s", " -la\n"}, "c,d\n"},
}

func TestUnframed_ContentWithoutALengthPasses(t *testing.T) {
	for name, c := range contents {
		for _, draining := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, draining: %v", name, draining), func(t *testing.T) {
				inBubble(t, Config{}, func(r *rig) {
					client, app := r.connect()
					client.send(c.request)
					app.wants(c.request)
					app.send(c.begin)
					client.wants(c.begin)
					if draining {
						r.server.Drain()
					}
					for _, piece := range c.pieces {
						client.send(piece)
						synctest.Wait()
					}
					app.wants(strings.Join(c.pieces, ""))
					time.Sleep(time.Hour)
					wantsInFlight(r, 1)
					app.send(c.rest)
					client.wants(c.rest)
					app.ends()
					client.wantsEnd()
					client.send("more")
					app.wants("more")
				})
			})
		}
	}
}

// A user may wait for the answer to a key.
func TestUnframed_ContentPassesAtOnceDuringAResponseUntilClose(t *testing.T) {
	inBubble(t, Config{}, func(r *rig) {
		client, app := r.connect()
		client.send(post)
		app.wants(post)
		app.send(untilClose)
		client.wants(untilClose)
		for _, key := range "exit\n" {
			client.send(string(key))
			app.wants(string(key))
		}
	})
	for _, request := range []string{get, upgrade, upgrade + get} { // no answer can follow
		inBubble(t, Config{}, func(r *rig) {
			client, app := r.connect()
			client.send(get)
			app.wants(get)
			app.send(untilClose)
			client.wants(untilClose)
			client.send(request + "more")
			app.wants(request + "more")
		})
	}
}

// The close option in a response until close does not end what the client sends. Only a request is
// not relayed any more.
func TestUnframed_ContentPassesBehindTheCloseOption(t *testing.T) {
	const begun = "ICY 200 OK\r\nConnection: close\r\n\r\n"
	inBubble(t, Config{}, func(r *rig) {
		r.server.Drain()
		client, app := unframedInDrain(r, begun)
		client.send("$GPGGA,1,2*00\r\n")
		app.wants("$GPGGA,1,2*00\r\n")
		r.server.Cut()
		client.wantsReset()
		app.wantsReset()
	})
	inBubble(t, Config{}, func(r *rig) {
		r.server.Drain()
		client, app := unframedInDrain(r, begun)
		client.send(get)
		app.wantsNothing()
	})
}

// unframedInDrain opens a connection whose response until close has begun while draining.
func unframedInDrain(r *rig, begun string) (client, app *peer) {
	client, app = r.connect()
	client.send(get)
	app.wants(get)
	app.send("ICY 200 OK\r\n\r\n")
	client.wants(begun)
	return client, app
}

// The responses to the requests before the content are parsed, and counted with their status.
func TestUnframed_ResponsesBeforeTheContentAreFollowed(t *testing.T) {
	inBubble(t, Config{}, func(r *rig) {
		client, app := r.connect()
		client.send(get + get + "no request\r\n")
		app.wants(get + get + "no request\r\n")
		app.send(ok)
		client.wants(ok)
		wantsInFlight(r, 1)
		app.send(ok + "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
		client.wants(ok + "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
		if n := r.server.stats.exchanges[2].Load(); n != 2 {
			t.Errorf("%d exchanges with a 2xx counted, want 2", n)
		}
		time.Sleep(unframedQuiet)
		wantsInFlight(r, 0)
		client.send(get)
		app.wants(get)
		app.closes()
		client.wantsEnd()
	})
}

func TestUnframed_WhatTheAppLeavesUnansweredBeforeTheContentIsCounted(t *testing.T) {
	inBubble(t, Config{}, func(r *rig) {
		client, app := r.connect()
		r.server.Drain()
		client.send(get + "no request\r\n")
		app.wants(get + "no request\r\n")
		app.closes()
		synctest.Wait()
		if n := r.server.stats.drainUnanswered.Load(); n != 1 {
			t.Errorf("%d unanswered exchanges counted, want 1", n)
		}
	})
}

func TestUnframed_NotByAMalformedRequest(t *testing.T) {
	for _, malformed := range []string{"GET /\x01 HTTP/1.1\r\n\r\n", "no request\r\n" + get} {
		inBubble(t, Config{}, func(r *rig) {
			client, app := r.connect()
			client.send(get + malformed)
			app.wants(get)
			app.send(ok)
			synctest.Wait()
			if got, want := string(client.available()), ok+string(answerBadRequest); got != want {
				t.Errorf("the client got %q, want %q", got, want)
			}
			app.wantsReset()
		})
	}
}

// Between two exchanges it belongs to no request.
func TestUnframed_NotWithoutAResponseThatIsOutstanding(t *testing.T) {
	for _, malformed := range []string{"no request\r\n", "\x00"} {
		inBubble(t, Config{}, func(r *rig) {
			client, app := r.connect()
			converse(client, app)
			client.send(malformed)
			client.wantsAnswer("400")
			app.wantsReset()
		})
	}
}
