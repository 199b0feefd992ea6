package proxy

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lameduck/proxy/h1"
	"lameduck/proxy/h2"
)

// Detection decides what is interpreted. It delays nothing and refuses nothing.

// passesAtOnce sends byte by byte, and expects each byte on the other side before it sends the
// next.
func passesAtOnce(from, to *peer, s string) {
	from.t.Helper()
	for i := range len(s) {
		from.send(s[i : i+1])
		to.wants(s[i : i+1])
	}
}

// openings are the first bytes of clients that do not send a request.
var openings = map[string]string{
	"one byte":                        "A",
	"one zero byte":                   "\x00",
	"two words without a newline":     "LOGIN bob",
	"three words":                     "LOGIN bob HTTP",
	"text with a space, ended by NUL": "get a b\x00",
	"a line that mentions HTTP":       "LOG fetched /x via HTTP/1.1\n",
	"git":                             "003fgit-upload-pack /r.git\x00host=127.0.0.1:9418\x00",
	"syslog with octet counting":      "83 <34>1 2026-01-01T00:00:00Z host app - - - hello",
	"SIP":                             "OPTIONS sip:a@b SIP/2.0\r\n\r\n",
	"RTSP":                            "OPTIONS rtsp://a/b RTSP/1.0\r\nCSeq: 1\r\n\r\n",
	"Redis":                           "*1\r\n$4\r\nPING\r\n",
	"SMTP behind an empty line":       "\r\nEHLO example\r\n",
	"HTTP/0.9":                        "GET /\r\n",
	"a request line that goes on":     "GET / HTTP/1.1 x\r\n\r\n",
	"HTTP of another major version":   "GET / HTTP/3.0\r\nHost: a\r\n\r\n",
	"the beginning of a request line": "GET / HTTP/1.1\r",
	"the beginning of the preface":    h2.Preface[:20],
	"what only begins like it":        h2.Preface[:20] + "x",
	"a ClientHello":                   "\x16\x03\x01\x02\x00\x01\x00",
	"an endless word":                 strings.Repeat("a", 100),
}

func TestBytesThatAreNotARequestPassAtOnce(t *testing.T) {
	for name, bytes := range openings {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Config{HeaderTimeout: 10 * time.Second}, func(r *rig) {
				client, app := r.connect()
				passesAtOnce(client, app, bytes)
				time.Sleep(time.Minute)
				client.wantsOpen() // we neither answer nor close
				passesAtOnce(app, client, "HTTP/1.1 answer, or whatever it is\n")
				passesAtOnce(client, app, "more")
				passesAtOnce(app, client, "more")
				client.ends()
				app.wantsEnd()
				app.ends()
				client.wantsEnd()
			})
		})
	}
}

func TestALineThatNeverEndsPasses(t *testing.T) {
	line := "GET /" + strings.Repeat("a", 2*h1.MaxHead)
	inBubble(t, Config{}, func(r *rig) {
		client, app := r.connect()
		go func() { _, _ = client.conn.Write([]byte(line)) }()
		var got []byte
		for len(got) < len(line) {
			b := app.taken()
			if len(b) == 0 {
				t.Fatalf("the app got %d bytes, want %d", len(got), len(line))
			}
			got = append(got, b...)
		}
		client.wantsOpen()
	})
}

func TestBytesFromAnAppThatSpeaksFirstPassAtOnce(t *testing.T) {
	for name, greeting := range map[string]string{
		"a line":                       "220 example ESMTP\r\n",
		"a line that begins like HTTP": "HELLO there\r\n",
		"the name of HTTP":             "HTTPX 1\n",
		"one zero byte":                "\x00",
		"a length first":               "\x00\x00\x00\x04\x01\x02\x03\x04",
		"what begins like SETTINGS":    "\x00\x00\x06\x04\x00\x00\x00\x00\x01rest",
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Config{HeaderTimeout: 10 * time.Second}, func(r *rig) {
				client, app := r.connect()
				passesAtOnce(app, client, greeting)
				time.Sleep(time.Minute)
				client.wantsOpen()
				passesAtOnce(client, app, "any answer")
				passesAtOnce(app, client, "ok")
			})
		})
	}
}

// An HTTP/1 server closes an idle connection with a 408.
func TestA408OnAnIdleConnectionPassesByteByByte(t *testing.T) {
	inBubble(t, Config{}, func(r *rig) {
		client, app := r.connect()
		passesAtOnce(app, client, "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n")
		if got := only(r.server).speaks(); got != http1 {
			t.Errorf("protocol %v, want http1", got)
		}
		app.closes()
		client.wantsEnd()
	})
}

// If the app has sent something first, a request that comes later may not be answered in its place.
// Its bytes are relayed, whatever they are.
func TestARequestBehindAByteOfTheAppPasses(t *testing.T) {
	inBubble(t, Config{}, func(r *rig) {
		client, app := r.connect()
		passesAtOnce(app, client, "H")
		client.send(get)
		app.wants(get)
		passesAtOnce(app, client, "ELLO")
	})
}

func TestASlowRequestIsRecognizedAndItsClientAskedToDisconnect(t *testing.T) {
	line := strings.Index(get, "\n") + 1
	inBubble(t, Config{}, func(r *rig) {
		r.server.Drain()
		client, app := r.connect()
		for i := range line - 1 {
			client.send(get[i : i+1])
			app.wants(get[i : i+1]) // until the line has ended, the protocol is undecided
		}
		client.sendSlowly(get[line-1:])
		app.wants(get[line-1:])
		app.send(ok)
		client.wants(okClose)
		client.wantsEnd()
	})
}

func TestASlowPrefaceIsRecognizedAndItsClientAskedToDisconnect(t *testing.T) {
	inBubble(t, Config{}, func(r *rig) {
		client, app := r.connect()
		passesAtOnce(app, client, settings[:5])
		passesAtOnce(client, app, h2.Preface)
		client.send(settings)
		app.wants(settings)
		app.send(settings[5:]) // both sides begin at the same time
		client.wants(settings[5:])
		r.server.Drain()
		time.Sleep(noticeSpread)
		client.send(pingAck(client.wantsNotice(h2.MaxStream)))
		app.wantsNothing()
		time.Sleep(finalDelay)
		client.wants(goAway(0, 0, ""))
		client.wantsEndSoon()
	})
}

// Requests that we answer in the app's place are answered even if the app has got a part of the
// line.
func TestOnlyARequestIsAnsweredInTheAppsPlace(t *testing.T) {
	for name, test := range map[string]struct{ head, status string }{
		"an ambiguous one":          {"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "400"},
		"one that does not go on":   {"GET / HTTP/1.1\r\nHost", "408"},
		"a health check in a drain": {"GET /healthz HTTP/1.1\r\n\r\n", "503"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Config{HeaderTimeout: 10 * time.Second, HealthPaths: []string{"/healthz"}}, func(r *rig) {
				r.server.Drain()
				client, app := r.connect()
				client.sendSlowly(test.head)
				app.wants(test.head[:strings.Index(test.head, "\n")])
				if test.status == "408" {
					time.Sleep(11 * time.Second)
				}
				client.wantsAnswer(test.status)
				app.wantsReset()
			})
		})
	}
}

func TestASideMayEndBeforeTheProtocolIsKnown(t *testing.T) {
	t.Run("the client, after undecided bytes", func(t *testing.T) {
		inBubble(t, Config{}, func(r *rig) {
			client, app := r.connect()
			client.send("LOGIN bob")
			client.ends()
			app.wants("LOGIN bob")
			app.wantsEnd()
			time.Sleep(halfCloseTimeout - time.Second) // the answer may take long
			app.send("HTTP/1.1 200 OK\r\n\r\n")
			client.wants("HTTP/1.1 200 OK\r\n\r\n")
			app.ends()
			client.wantsEnd()
		})
	})
	t.Run("the app, after undecided bytes", func(t *testing.T) {
		inBubble(t, Config{}, func(r *rig) {
			client, app := r.connect()
			client.send("LOGIN bob")
			app.wants("LOGIN bob")
			app.ends()
			client.wantsEnd()
			time.Sleep(2 * openingTimeout) // a TCP client may wait long
			client.send("and more")
			app.wants("and more")
		})
	})
	t.Run("the app, with its first byte", func(t *testing.T) {
		inBubble(t, Config{}, func(r *rig) {
			client, app := r.connect()
			app.send("\x00")
			app.ends()
			client.wants("\x00")
			client.wantsEnd()
			time.Sleep(2 * openingTimeout) // a TCP client may wait long
			client.send("and more")
			app.wants("and more")
		})
	})
	t.Run("the app, before what looks like requests", func(t *testing.T) {
		inBubble(t, Config{}, func(r *rig) {
			client, app := r.connect()
			app.ends()
			client.wantsEnd()
			for range 3 {
				client.send(get)
				app.wants(get)
			}
			client.ends()
			app.wantsEnd()
		})
	})
	t.Run("the client, having said nothing", func(t *testing.T) {
		inBubble(t, Config{}, func(r *rig) {
			client, app := r.connect()
			client.ends()
			app.wantsEnd()
			if n := r.server.stats.inFlight.Load(); n != 0 {
				t.Errorf("%d exchanges in flight, want none", n)
			}
		})
	})
	t.Run("an app that is kept from its client's sight otherwise", func(t *testing.T) {
		keepingClients(t, func(r *rig) {
			client, app := r.connect()
			client.send("LOGIN bob")
			app.wants("LOGIN bob")
			app.closes()
			client.wantsEnd()
		})
	})
}

// The client of an unknown protocol may be waiting for an answer.
func TestUndecidedBytesAreInFlight(t *testing.T) {
	inBubble(t, Config{}, func(r *rig) {
		client, app := r.connect()
		r.wantsInFlight(0, "before the first byte")
		r.server.Drain()
		client.send("LOGIN bob")
		app.wants("LOGIN bob")
		r.wantsInFlight(1, "with undecided bytes")
		r.server.CloseIdle()
		time.Sleep(time.Hour)
		client.wantsOpen()
		app.send("welcome")
		client.wants("welcome")
		r.wantsInFlight(1, "when it has become TCP")
	})
	inBubble(t, Config{}, func(r *rig) {
		client, app := r.connect()
		r.server.Drain()
		app.send("\x00")
		client.wants("\x00")
		r.wantsInFlight(1, "with an undecided byte of the app's")
		if connections, exchanges := r.server.Cut(); connections != 1 || exchanges != 1 {
			t.Errorf("cut %d connections and %d exchanges, want 1 and 1", connections, exchanges)
		}
	})
	inBubble(t, Config{}, func(r *rig) {
		client, app := r.connect()
		r.server.Drain()
		client.sendSlowly(get)
		app.wants(get)
		r.wantsInFlight(1, "with a request that came slowly")
		app.send(ok)
		client.wants(okClose)
		r.wantsInFlight(0, "when it is answered")
		if n := r.server.DrainStats().Exchanges; n != 1 {
			t.Errorf("%d exchanges in the drain, want 1", n)
		}
	})
	inBubble(t, Config{}, func(r *rig) {
		client, _ := r.connect()
		client.send("GE")
		synctest.Wait()
		client.resets()
		r.wantsInFlight(0, "when the client has gone")
	})
}

// FuzzDetection makes a client begin with any bytes in any pieces. Each piece is relayed before the
// next one as long as no request line has ended, and nothing but a request is answered in the app's
// place.
func FuzzDetection(f *testing.F) {
	for _, bytes := range openings {
		f.Add(bytes, uint64(1))
	}
	f.Add(get, uint64(2))
	f.Add(h2.Preface+settings, uint64(3))
	f.Fuzz(func(t *testing.T, sent string, split uint64) {
		if len(sent) > memBuffer {
			return
		}
		inBubble(t, Config{HeaderTimeout: time.Second}, func(r *rig) {
			client, app := r.connect()
			for at := 0; at < len(sent); {
				n := min(1+int(split>>(at%60)&7), len(sent)-at)
				client.send(sent[at : at+n])
				at += n
				got := string(app.taken())
				if request := h1.Recognize([]byte(sent[:at])) == h1.Yes; request || strings.HasPrefix(sent, h2.Preface) {
					break // the relay of that protocol has its own tests
				}
				if got != sent[at-n:at] {
					t.Fatalf("of the piece %q the app got %q", sent[at-n:at], got)
				}
			}
			time.Sleep(time.Minute)
			if got := string(client.taken()); got != "" && h1.Recognize([]byte(sent)) != h1.Yes {
				t.Fatalf("%q was answered with %q", sent, got)
			}
			client.resets()
			app.takesAll()
		})
	})
}
