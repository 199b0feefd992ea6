package proxy

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lameduck/proxy/h1"
	"lameduck/proxy/pump"
)

// A step of a conversation: one side sends something, and the other side must get exactly that.
type step struct {
	from direction
	says string
	held bool // relayed only once the head that it begins is complete
}

func client(says string) step { return step{from: fromClient, says: says} }
func app(says string) step    { return step{from: fromApp, says: says} }

func held(s step) step {
	s.held = true
	return s
}

// conversations are connections that are relayed unchanged from start to end.
var conversations = map[string][]step{
	"keep-alive":                {client(get), app(ok), client(get), app(ok)},
	"HTTP/1.0 that stays":       {client("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"), app("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx"), client(get), app(ok)},
	"lines that end in LF":      {client("GET / HTTP/1.1\nHost: a\n\n"), app("HTTP/1.1 200 OK\nContent-Length: 1\n\nx")},
	"empty lines before":        {client("\r\n\r\n"), client(get), app(ok), client("\r\n" + get), app(ok)},
	"body of known length":      {client("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n12345"), app(ok), client(get), app(ok)},
	"chunked request":           {client("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;a=\"b;c\"\r\nabc\r\n0\r\nT: v\r\n\r\n"), app(ok), client(get), app(ok)},
	"chunked response":          {client(get), app("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"), app("00a ;x\r\n0123456789\r\n0\r\nA: b\r\nC: d\r\n\r\n"), client(get), app(ok)},
	"HEAD":                      {client("HEAD / HTTP/1.1\r\n\r\n"), app("HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n"), client(get), app(ok)},
	"204":                       {client(get), app("HTTP/1.1 204 No Content\r\n\r\n"), client(get), app(ok)},
	"304 with a length":         {client(get), app("HTTP/1.1 304 Not Modified\r\nContent-Length: 77\r\n\r\n"), client(get), app(ok)},
	"100-continue":              {client("POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"), app("HTTP/1.1 100 Continue\r\n\r\n"), client("abc"), app(ok), client(get), app(ok)},
	"early hints":               {client(get), app("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"), app("HTTP/1.1 103 Early Hints\r\n\r\n" + ok), client(get), app(ok)},
	"answer before the body":    {client("POST / HTTP/1.1\r\nContent-Length: 6\r\n\r\nabc"), app(ok), client("def"), client(get), app(ok)},
	"pipelining":                {client(get + get + get), app(ok), app(ok + ok), client(get), app(ok)},
	"pipelining with bodies":    {client("POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi" + get + "HEAD / HTTP/1.1\r\n\r\n"), app(ok + ok + "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"), client(get), app(ok)},
	"two writes of one head":    {held(client(get[:9])), client(get[9:]), held(app(ok[:20])), app(ok[20:])},
	"unusual reason and status": {client(get), app("HTTP/1.1 299 \xe9 t c\r\nContent-Length: 0\r\n\r\n"), client(get), app("HTTP/1.1 418\r\nContent-Length: 0\r\n\r\n")},
	"WebSocket":                 {client("GET /ws HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"), app("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\x02hi"), client("\x81\x85\x00\x00\x00\x00hello"), app("\x88\x00"), client(get)},
	"upgrade that is refused":   {client("GET /ws HTTP/1.1\r\nUpgrade: websocket\r\n\r\n"), app("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"), client(get), app(ok)},
	"CONNECT":                   {client("CONNECT b:1 HTTP/1.1\r\nHost: b:1\r\n\r\n"), app("HTTP/1.1 200 OK\r\n\r\n"), client("\x16\x03\x01"), app("\x00\x00\r\n\r\n")},
	"CONNECT that is refused":   {client("CONNECT b:1 HTTP/1.1\r\nHost: b:1\r\n\r\n"), app("HTTP/1.1 403 Forbidden\r\nContent-Length: 1\r\n\r\nx"), client(get), app(ok)},
	"response until close":      {client(get), app("HTTP/1.1 200 OK\r\n\r\nall of this"), app(" and this")},
	"odd requests":              {client("GET  /a b HTTP/1.2 \r\nno colon\r\nBad Name: x\r\nX-\xe9: y\r\nA: b\r\n c\r\n\r\n"), app(ok), client("HEAD / HTTP/1.1 \r\n: x\r\n\r\n"), app("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"), client(get), app(ok)},
	"odd responses":             {client(get), app("HTTP/1.2  200\tOK\r\nno colon\r\nBad Name : x\r\n\xe9: y\r\nA: b\r\n\tc\r\nContent-Length: 2\r\n\r\nok"), client(get), app("HTTP/2 204\r\n\r\n"), client(get), app("ICY 200 OK\r\nicy-name: x\r\n\r\nall of this"), app(" and this")},
	"unsolicited response":      {client(get), app(ok), app("HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\nlate")},
}

func TestI1BytesPassUnchanged(t *testing.T) {
	for name, steps := range conversations {
		t.Run(name, func(t *testing.T) { relayUnchanged(t, steps, (*peer).send) })
	}
}

func TestI1AnySplitOfTheBytesPassesUnchanged(t *testing.T) {
	for name, steps := range conversations {
		t.Run(name, func(t *testing.T) { relayUnchanged(t, steps, (*peer).sendSlowly) })
	}
}

func relayUnchanged(t *testing.T, steps []step, send func(*peer, string)) {
	inBubble(t, Config{}, func(r *rig) {
		client, app := r.connect()
		owed := map[*peer]string{}
		for _, s := range steps {
			from, to := client, app
			if s.from == fromApp {
				from, to = app, client
			}
			send(from, s.says)
			owed[to] += s.says
			if !s.held {
				to.wants(owed[to])
				owed[to] = ""
			}
		}
	})
}

func TestI2OneAppConnectionPerClientConnection(t *testing.T) {
	inBubble(t, Config{}, func(r *rig) {
		first, firstApp := r.connect()
		second, secondApp := r.connect()
		for range 3 {
			converse(first, firstApp)
			converse(second, secondApp)
		}
		if r.dials != 2 {
			t.Errorf("2 client connections made %d app connections", r.dials)
		}
	})
}

func TestI2TheAppSeesAConnectionWithoutBytes(t *testing.T) {
	inBubble(t, Config{}, func(r *rig) {
		client, app := r.connect()
		client.ends()
		app.wantsEnd()
	})
}

func TestI3CloseOption(t *testing.T) {
	post := "POST / HTTP/1.1\r\nContent-Length: 6\r\n\r\n"
	tests := map[string]func(r *rig, client, app *peer){
		"is in the next response of an idle connection": func(r *rig, client, app *peer) {
			converse(client, app)
			r.server.Drain()
			client.wantsOpen()
			client.send(get)
			app.wants(get)
			app.send(ok)
			client.wants(okClose)
			client.wantsEnd()
			app.wantsEnd()
		},
		"is in the response that was outstanding when the drain began": func(r *rig, client, app *peer) {
			client.send(get)
			app.wants(get)
			r.server.Drain()
			app.send(ok)
			client.wants(okClose)
			client.wantsEnd()
		},
		"is in the first response of a new connection": func(r *rig, _, _ *peer) {
			r.server.Drain()
			client, app := r.connect()
			client.send(get)
			app.wants(get)
			app.send(ok)
			client.wants(okClose)
			client.wantsEnd()
		},
		"never goes into a head that has begun to be passed on": func(r *rig, client, app *peer) {
			client.send(get)
			app.wants(get)
			app.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")
			client.wants("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")
			r.server.Drain()
			app.send("cd")
			client.wants("cd")
			client.wantsOpen()
			client.send(get)
			app.wants(get)
			app.send(ok)
			client.wants(okClose)
			client.wantsEnd()
		},
		"never goes into an interim response": func(r *rig, client, app *peer) {
			r.server.Drain()
			client.send(post)
			app.wants(post)
			app.send("HTTP/1.1 100 Continue\r\n\r\n")
			client.wants("HTTP/1.1 100 Continue\r\n\r\n")
			client.send("123456")
			app.wants("123456")
			app.send(ok)
			client.wants(okClose)
			client.wantsEnd()
		},
		"never goes into a 101": func(r *rig, client, app *peer) {
			r.server.Drain()
			upgrade := "GET / HTTP/1.1\r\nUpgrade: x\r\n\r\n"
			client.send(upgrade)
			app.wants(upgrade)
			app.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n")
			client.wants("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n")
			client.send("any")
			app.wants("any")
			client.wantsOpen()
		},
		"is never added to a challenge that must be answered on the same connection": func(r *rig, client, app *peer) {
			r.server.Drain()
			for _, field := range []string{"WWW-Authenticate: NTLM TlRM", "Proxy-Authenticate: Negotiate YII="} {
				challenge := "HTTP/1.1 401 Unauthorized\r\n" + field + "\r\nContent-Length: 0\r\n\r\n"
				client.send(get)
				app.wants(get)
				app.send(challenge)
				client.wants(challenge)
			}
			client.send(get)
			app.wants(get)
			app.send(ok)
			client.wants(okClose)
			client.wantsEnd()
		},
		"is added to a challenge after which no request is relayed": func(r *rig, client, app *peer) {
			client.send(get + get)
			app.wants(get + get)
			r.server.Drain()
			app.send(ok + "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: NTLM TlRM\r\nContent-Length: 0\r\n\r\n")
			client.wants(ok + "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: NTLM TlRM\r\nContent-Length: 0\r\n" +
				"Connection: close\r\n\r\n")
			client.wantsEnd()
		},
		"never goes into a 2xx to CONNECT": func(r *rig, client, app *peer) {
			r.server.Drain()
			client.send("CONNECT b:1 HTTP/1.1\r\n\r\n")
			app.wants("CONNECT b:1 HTTP/1.1\r\n\r\n")
			app.send("HTTP/1.1 200 OK\r\n\r\n")
			client.wants("HTTP/1.1 200 OK\r\n\r\n")
			client.wantsOpen()
		},
		"goes into the last of the pipelined responses alone": func(r *rig, client, app *peer) {
			client.send(get + get + get)
			app.wants(get + get + get)
			r.server.Drain()
			app.send(ok)
			client.wants(ok)
			client.send(get)
			app.wantsNothing() // nothing more is relayed
			app.send(ok + ok)
			client.wants(ok + okClose)
			client.wantsEnd()
			app.wantsNothing()
		},
		"of pipelined requests answers those that were read with the first": func(r *rig, client, app *peer) {
			r.server.Drain()
			client.send(get + get)
			app.wants(get + get)
			app.send(ok + ok)
			client.wants(ok + okClose)
			client.wantsEnd()
		},
		"takes the place of keep-alive": func(r *rig, client, app *peer) {
			r.server.Drain()
			client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
			app.wants("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
			app.send("HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 0\r\n\r\n")
			client.wants("HTTP/1.0 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
			client.wantsEnd()
		},
		"lets a request body that is still coming through": func(r *rig, client, app *peer) {
			r.server.Drain()
			client.send(post + "123")
			app.wants(post + "123")
			app.send(ok)
			client.wants(okClose)
			app.wantsOpen()
			client.send("456" + get)
			app.wants("456")
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Config{}, func(r *rig) {
				client, app := r.connect()
				test(r, client, app)
			})
		})
	}
}

func TestI6NoMoreConnectionsThanMayBeServed(t *testing.T) {
	inBubble(t, Config{MaxConnections: 2}, func(r *rig) {
		first, firstApp := r.connect()
		second, secondApp := r.connect()
		accepted := make(chan *memConn, 1)
		go func() {
			c, _ := r.listener.dial(memAddr)
			accepted <- c
		}()
		synctest.Wait()
		if n := r.server.connections(); n != 2 {
			t.Errorf("%d connections are served, want 2", n)
		}
		converse(second, secondApp)
		first.closes()
		firstApp.closes()
		synctest.Wait()
		if third := <-accepted; third == nil {
			t.Error("the third connection is not accepted after the first has ended")
		}
	})
}

func TestI6CloseMissesNoConnectionThatComesUpWithIt(t *testing.T) {
	inBubble(t, Config{}, func(r *rig) {
		go r.server.Close(r.t.Context())
		synctest.Wait()
		server, client := memPipe(memAddr)
		c := r.server.register(&route{Route: Route{Dial: r.dial}}, server)
		r.server.serve(c)
		(&peer{t, "client", client}).wantsEnd()
	})
}

// Every test in a bubble tests I7: it fails if a goroutine is left after Serve. This one has all
// kinds of connections at once.
func TestI7ServeReturnsAfterEveryGoroutine(t *testing.T) {
	inBubble(t, Config{AppWait: time.Minute}, func(r *rig) {
		r.connect() // idle
		client, app := r.connect()
		client.send(get) // outstanding
		app.wants(get)
		client, _ = r.connect()
		client.send(get[:5]) // half a head
		client, _ = r.connect()
		client.send("POST / HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n" + strings.Repeat("x", memBuffer/2)) // half a body
		client, app = r.connect()
		client.send("GET / HTTP/1.1\r\nUpgrade: x\r\n\r\n")
		app.wants("GET / HTTP/1.1\r\nUpgrade: x\r\n\r\n")
		app.send("HTTP/1.1 101 Switching Protocols\r\n\r\n") // a tunnel
		client, _ = r.connect()
		client.send("GET / HTTP/1.1\r\nUpgrade: x\r\n\r\nmore") // an undecided upgrade
		r.setRefuse(true)
		r.client("192.0.2.1") // one that waits for the app
		synctest.Wait()
	})
}

func TestI8HalfClose(t *testing.T) {
	t.Run("of the client reaches the app, which may still answer", func(t *testing.T) {
		inBubble(t, Config{}, func(r *rig) {
			client, app := r.connect()
			client.send(get)
			client.ends()
			app.wants(get)
			app.wantsEnd()
			time.Sleep(time.Minute)
			app.send(ok)
			client.wants(ok)
			client.wantsOpen()
			app.ends()
			client.wantsEnd()
		})
	})
	t.Run("of the app reaches the client, which may still send", func(t *testing.T) {
		inBubble(t, Config{}, func(r *rig) {
			client, app := r.connect()
			client.send("POST / HTTP/1.1\r\nContent-Length: 6\r\n\r\n123")
			app.wants("POST / HTTP/1.1\r\nContent-Length: 6\r\n\r\n123")
			app.send(ok)
			app.ends()
			client.wants(ok)
			client.wantsEnd()
			client.send("456")
			app.wants("456")
		})
	})
	t.Run("in a tunnel keeps the other direction", func(t *testing.T) {
		inBubble(t, Config{}, func(r *rig) {
			client, app := tunnelled(r)
			app.ends()
			client.wantsEnd()
			for range 10 {
				time.Sleep(halfCloseTimeout - time.Second)
				client.send("on")
				app.wants("on")
			}
			client.ends()
			app.wantsEnd()
		})
	})
	t.Run("has a deadline", func(t *testing.T) {
		inBubble(t, Config{}, func(r *rig) {
			client, _ := tunnelled(r)
			client.ends()
			time.Sleep(halfCloseTimeout + time.Second)
			r.wantsNoConnections()
		})
	})
	t.Run("of the app's side of a tunnel has one too", func(t *testing.T) {
		inBubble(t, Config{}, func(r *rig) {
			_, app := tunnelled(r)
			app.ends()
			time.Sleep(halfCloseTimeout + time.Second)
			r.wantsNoConnections()
		})
	})
	t.Run("with nothing outstanding has a short one", func(t *testing.T) {
		inBubble(t, Config{}, func(r *rig) {
			client, app := r.connect()
			converse(client, app)
			client.ends()
			time.Sleep(lingerTimeout + time.Second)
			r.wantsNoConnections()
		})
	})
	t.Run("with half a head shows the app that half", func(t *testing.T) {
		inBubble(t, Config{}, func(r *rig) {
			client, app := r.connect()
			converse(client, app)
			client.send(get[:9])
			app.wantsNothing()
			client.ends()
			app.wants(get[:9])
			app.wantsEnd()
			time.Sleep(openingTimeout - time.Second)
			app.send(refused408)
			client.wants(refused408)
		})
	})
}

const refused408 = "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"

// Some clients only listen, and some apps only read.
func TestI8HalfCloseBeforeTheFirstByte(t *testing.T) {
	for name, ends := range map[string]func(client, app *peer) (from, to *peer){
		"of the client": func(client, app *peer) (from, to *peer) { client.ends(); return app, client },
		"of the app":    func(client, app *peer) (from, to *peer) { app.ends(); return client, app },
	} {
		t.Run(name+" keeps the other direction", func(t *testing.T) {
			inBubble(t, Config{}, func(r *rig) {
				from, to := ends(r.connect())
				from.wantsEnd()
				time.Sleep(openingTimeout - time.Second)
				for range 10 {
					from.send("a line\n")
					to.wants("a line\n")
					time.Sleep(halfCloseTimeout - time.Second)
				}
				from.send("\x00")
				to.wants("\x00")
				from.ends()
				to.wantsEnd()
			})
		})
		t.Run(name+" has a deadline", func(t *testing.T) {
			inBubble(t, Config{}, func(r *rig) {
				ends(r.connect())
				time.Sleep(openingTimeout + time.Second)
				r.wantsNoConnections()
			})
		})
	}
}

// Some clients accept a head without its empty line, such as curl.
func TestI8HalfAHeadOfTheAppReachesTheClientWithItsEnd(t *testing.T) {
	for _, part := range []string{"H", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r"} {
		for name, end := range map[string]func(*peer){"a FIN": (*peer).ends, "a close": (*peer).closes} {
			for _, draining := range []bool{false, true} {
				t.Run(fmt.Sprintf("%q, then %s, draining: %v", part, name, draining), func(t *testing.T) {
					inBubble(t, Config{}, func(r *rig) {
						client, app := r.connect()
						client.send(get)
						app.wants(get)
						if draining {
							r.server.Drain()
						}
						app.sendSlowly(part)
						client.wantsNothing()
						end(app)
						client.wants(part)
						client.wantsEnd()
					})
				})
			}
		}
	}
}

// tunnelled opens a connection that becomes a tunnel.
func tunnelled(r *rig) (client, app *peer) {
	client, app = r.connect()
	client.send("GET / HTTP/1.1\r\nUpgrade: x\r\n\r\n")
	app.wants("GET / HTTP/1.1\r\nUpgrade: x\r\n\r\n")
	app.send("HTTP/1.1 101 Switching Protocols\r\n\r\n")
	client.wants("HTTP/1.1 101 Switching Protocols\r\n\r\n")
	return client, app
}

func TestI9AmbiguousRequestsAreRefused(t *testing.T) {
	tests := map[string]struct{ head, status string }{
		"both lengths":           {"POST / HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n", "400"},
		"lengths that differ":    {"POST / HTTP/1.1\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\n", "400"},
		"bare CR":                {"GET / HTTP/1.1\r\nA: b\rContent-Length: 4\r\n\r\n", "400"},
		"space before the colon": {"GET / HTTP/1.1\r\nContent-Length : 4\r\n\r\n", "400"},
		"chunked not last":       {"POST / HTTP/1.1\r\nTransfer-Encoding: chunked, gzip\r\n\r\n", "400"},
		"a disguised length":     {"GET / HTTP/1.1\r\n\x0bContent-Length: 4\r\n\r\n", "400"},
		"a preface of HTTP/2":    {"PRI * HTTP/2.0\r\n\r\n", "505"},
		"no HTTP at all":         {"\x16\x03\x01\x02\x00\x01", "400"},
		"an endless head":        {"GET / HTTP/1.1\r\nA: " + strings.Repeat("a", h1.MaxHead), "431"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			onRoute(t, HTTP1, Config{}, func(r *rig) {
				client, app := r.connect()
				go func() { _, _ = client.conn.Write([]byte(test.head)) }()
				client.wantsAnswer(test.status)
				app.wantsReset()
			})
		})
	}
}

func TestI9AnAmbiguousRequestIsAnsweredInItsTurn(t *testing.T) {
	inBubble(t, Config{}, func(r *rig) {
		client, app := r.connect()
		client.send(get + "GET / HTTP/1.1\r\nContent-Length : 5\r\n\r\n")
		app.wants(get)
		client.wantsNothing()
		app.send(ok)
		synctest.Wait()
		if got := string(client.available()); !strings.HasPrefix(got, ok+"HTTP/1.1 400 ") {
			t.Errorf("the client got %q, want the app's response and then a 400", got)
		}
		app.wantsReset()
	})
}

func TestI9ABadChunkIsRefused(t *testing.T) {
	head := "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
	t.Run("with a 400 before the app has answered", func(t *testing.T) {
		inBubble(t, Config{}, func(r *rig) {
			client, app := r.connect()
			client.send(head + "3\r\nabc\r\n")
			app.wants(head + "3\r\nabc\r\n")
			client.send("x\r\n")
			client.wantsAnswer("400")
			app.wantsReset()
		})
	})
	t.Run("with the end of the app's answer once it has begun", func(t *testing.T) {
		inBubble(t, Config{}, func(r *rig) {
			client, app := r.connect()
			client.send(head)
			app.wants(head)
			app.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")
			client.wants("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")
			client.send("x\r\n")
			client.wantsReset()
			app.wantsReset()
		})
	})
}

func TestI9AmbiguousResponsesBecome502(t *testing.T) {
	for name, head := range map[string]string{
		"both lengths":               "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"lengths that differ":        "HTTP/1.1 200 OK\r\nContent-Length: 4, 5\r\n\r\n",
		"no HTTP at all":             "SSH-2.0-OpenSSH_9.2\r\n",
		"a 101 nobody has asked for": "HTTP/1.1 101 Switching Protocols\r\n\r\n",
		"an endless head":            "HTTP/1.1 200 OK\r\nA: " + strings.Repeat("a", h1.MaxHead),
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Config{}, func(r *rig) {
				client, app := r.connect()
				client.send(get)
				app.wants(get)
				go func() { _, _ = app.conn.Write([]byte(head)) }()
				client.wantsAnswer("502")
				app.wantsReset()
			})
		})
	}
}

// A part of a head is relayed when the app closes, unless it would be refused.
func TestI9AnAmbiguousPartOfAHeadBecomes502(t *testing.T) {
	for _, part := range []string{"H000\n", "HTTP/1.1 200 OK\r\nContent-Length: 4, 5\r\n", "HTTP/1.1 200 OK\r\nA: b\x00\r\nB"} {
		for _, pieces := range [][]string{{part}, {part[:1], part[1:]}} {
			t.Run(fmt.Sprintf("%q", pieces), func(t *testing.T) {
				inBubble(t, Config{}, func(r *rig) {
					client, app := r.connect()
					client.send(get)
					app.wants(get)
					for _, p := range pieces {
						app.send(p)
						synctest.Wait()
					}
					app.ends()
					client.wantsAnswer("502")
				})
			})
		}
	}
}

func TestI9ABadChunkOfTheAppEndsItsAnswer(t *testing.T) {
	inBubble(t, Config{}, func(r *rig) {
		client, app := r.connect()
		client.send(get)
		app.wants(get)
		app.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
		client.wants("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
		app.send("x\r\n")
		client.wantsReset()
	})
}

// The direction from the client half-closes the client's connection if it sees that the other
// direction has ended. A FIN before the reset would make a part of a response look complete.
func TestI9NothingComesBetweenTheEndOfAnAnswerAndItsReset(t *testing.T) {
	inBubble(t, Config{}, func(r *rig) {
		client, app := r.connect()
		c := r.server.all()[0]
		seen := -1
		c.client = &closeHook{c.client, func() { seen = int(c.life.states[fromApp]) }}
		client.send(get)
		app.wants(get)
		app.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
		client.wants("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
		app.send("x\r\n")
		client.wantsReset()
		if state(seen) != relaying {
			t.Errorf("the direction from the app was in state %d at the reset, want %d", seen, relaying)
		}
	})
}

// A closeHook calls a function before the first Close.
type closeHook struct {
	Conn
	before func()
}

func (h *closeHook) Close() error {
	if h.before != nil {
		h.before()
		h.before = nil
	}
	return h.Conn.Close()
}

func (h *closeHook) SetLinger(seconds int) error {
	return h.Conn.(interface{ SetLinger(int) error }).SetLinger(seconds)
}

func TestI10ASlowReaderStopsTheOtherSide(t *testing.T) {
	const body = 10 << 20
	for _, from := range []string{"app", "client"} {
		t.Run(from+" sends", func(t *testing.T) {
			inBubble(t, Config{}, func(r *rig) {
				client, app := r.connect()
				sender := client
				head := fmt.Sprintf("POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n", body)
				if from == "app" {
					client.send(get)
					app.wants(get)
					sender, head = app, fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", body)
				}
				sent := make(chan int, 1)
				go func() {
					n, _ := sender.conn.Write([]byte(head + strings.Repeat("x", body)))
					sent <- n
				}()
				synctest.Wait()
				select {
				case n := <-sent:
					t.Fatalf("%d bytes were accepted although nothing reads", n)
				default:
				}
				_ = sender.conn.SetWriteDeadline(time.Now())
				if n := <-sent; n > 2*memBuffer+pump.BufferSize+len(head) {
					t.Errorf("%d bytes were accepted although nothing reads", n)
				}
			})
		})
	}
}

func TestI10PipeliningIsBounded(t *testing.T) {
	inBubble(t, Config{}, func(r *rig) {
		client, app := r.connect()
		client.send(strings.Repeat(get, maxOutstanding+10))
		app.wants(strings.Repeat(get, maxOutstanding))
		app.send(ok)
		client.wants(ok)
		app.wants(get)
		for range 9 {
			app.send(ok)
		}
		client.wants(strings.Repeat(ok, 9))
		app.wants(strings.Repeat(get, 9))
	})
}
