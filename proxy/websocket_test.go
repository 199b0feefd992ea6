package proxy

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const (
	upgrade     = "GET /chat HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
	upgraded101 = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n\r\n"

	// Frames of a server.
	text       = "\x81\x05hello"
	firstPart  = "\x01\x03hel"
	middlePart = "\x00\x01l"
	lastPart   = "\x80\x01o"
	pong       = "\x8a\x00"
	goingAway  = "\x88\x02\x03\xe9"
	normal     = "\x88\x02\x03\xe8"

	// Frames of a client, which are masked.
	maskedText   = "\x81\x85\x00\x00\x00\x00hello"
	maskedFirst  = "\x01\x83\x00\x00\x00\x00hel"
	maskedMiddle = "\x00\x81\x00\x00\x00\x00l"
	maskedLast   = "\x80\x81\x00\x00\x00\x00o"
	maskedPing   = "\x89\x81\x00\x00\x00\x00?"
	maskedNormal = "\x88\x82\x00\x00\x00\x00\x03\xe8"
)

// webSocket opens a WebSocket connection.
func webSocket(r *rig) (client, app *peer) {
	client, app = r.connect()
	client.send(upgrade)
	app.wants(upgrade)
	app.send(upgraded101)
	client.wants(upgraded101)
	return client, app
}

// drainingWebSocket is webSocket with a client that has been asked to disconnect.
func drainingWebSocket(r *rig) (client, app *peer) {
	client, app = webSocket(r)
	r.server.Drain()
	time.Sleep(time.Second)
	client.wants(goingAway)
	return client, app
}

func TestWebSocketFramesPassUnchanged(t *testing.T) {
	long := "\x82\x7e\x01\x00" + strings.Repeat("x", 256)
	huge := "\x82\x7f\x00\x00\x00\x00\x00\x00\x08\x00" + strings.Repeat("y", 2048)
	fromClient := maskedText + "\x82\xfe\x00\x80\x01\x02\x03\x04" + strings.Repeat("z", 128) + maskedNormal
	fromApp := text + firstPart + pong + lastPart + long + huge + "\xc1\x02zz" + normal
	inBubble(t, Config{}, func(r *rig) {
		client, app := webSocket(r)
		client.sendSlowly(fromClient)
		app.wants(fromClient)
		app.sendSlowly(fromApp)
		client.wants(fromApp)
	})
	inBubble(t, Config{}, func(r *rig) {
		client, app := webSocket(r)
		client.send(fromClient)
		app.wants(fromClient)
		app.send(fromApp)
		client.wants(fromApp)
	})
}

func TestAWebSocketClientIsNotifiedBetweenTwoMessages(t *testing.T) {
	for name, test := range map[string]struct{ before, then, rest string }{
		"at once on a quiet connection":       {"", "", ""},
		"after a whole message":               {text, "", ""},
		"not within a frame":                  {text[:4], text[4:], ""},
		"not within a header":                 {"\x82\x7e\x00", "\x04abcd", ""},
		"not between the parts of a message":  {firstPart + middlePart, lastPart, ""},
		"nor where a pong stands between":     {firstPart + pong, middlePart + lastPart, ""},
		"and nothing of the app's after that": {firstPart, lastPart, text + normal},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Config{}, func(r *rig) {
				client, app := webSocket(r)
				app.send(test.before)
				synctest.Wait()
				r.server.Drain()
				time.Sleep(time.Second)
				if test.then != "" {
					if got := string(client.taken()); strings.Contains(got, goingAway) {
						t.Fatalf("the client got %q: it was closed in the middle of a message", got)
					}
					app.send(test.then)
				} else {
					client.wants(test.before + goingAway)
					return
				}
				if got := string(client.taken()); !strings.HasSuffix(got, test.then+goingAway) {
					t.Fatalf("the client got %q, want a close frame at its end", got)
				}
				app.send(test.rest)
				client.wantsOpen()
			})
		})
	}
}

// taken reads and returns all available bytes.
func (p *peer) taken() []byte {
	synctest.Wait()
	return p.available()
}

func TestDataFromANotifiedClientStillReachesTheApp(t *testing.T) {
	inBubble(t, Config{}, func(r *rig) {
		client, app := drainingWebSocket(r)
		client.send(maskedText)
		app.wants(maskedText)
		client.send(maskedNormal)
		app.wants(maskedNormal)
		app.send(normal) // its answer to what it takes for the client's close frame
		client.wantsOpen()
		app.closes()
		client.wantsEnd()
		client.closes()
		synctest.Wait()
		if n := r.server.stats.ended[websocket][endedDrain].Load(); n != 1 {
			t.Errorf("%d connections count as ended by the drain, want 1", n)
		}
	})
}

func TestAClientThatDoesNotAnswerIsAnsweredFor(t *testing.T) {
	for name, test := range map[string]struct {
		sends string // each second
		limit time.Duration
	}{
		"when it is silent":       {"", lingerTimeout},
		"when it sends pings":     {maskedPing, lingerTimeout},
		"when it sends messages":  {maskedText, closeTimeout},
		"when it sends both":      {maskedText + maskedPing, closeTimeout},
		"when it sends fragments": {maskedFirst + maskedPing + maskedLast, closeTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Config{}, func(r *rig) {
				client, app := drainingWebSocket(r) // a second ago
				time.Sleep(time.Second / 2)
				for range test.limit/time.Second - 1 {
					client.send(test.sends)
					app.wants(test.sends)
					time.Sleep(time.Second)
				}
				got := app.taken()
				if len(got) != 8 || got[0] != 0x88 || got[1] != 0x82 || got[6]^got[2] != 0x03 || got[7]^got[3] != 0xe9 {
					t.Fatalf("the app got %x, want a masked close frame with 1001", got)
				}
				app.wantsEnd()
				time.Sleep(2 * cutTimeout)
				r.wantsNoConnections()
				client.taken()
			})
		})
	}
}

// Some apps go on sending to a client that has left, and do not read its end.
func TestAClientThatCannotAnswerIsNotWaitedFor(t *testing.T) {
	inBubble(t, Config{}, func(r *rig) {
		client, app := webSocket(r)
		client.ends()
		app.wantsEnd()
		app.send(text)
		client.wants(text)
		r.server.Drain()
		client.wants(goingAway)
		client.wantsEnd()
		r.wantsNoConnections()
	})
}

func TestAMessageThatIsUnderWayIsCompletedBeforeTheAnswer(t *testing.T) {
	for name, parts := range map[string][3]string{
		"in fragments": {maskedFirst, maskedMiddle, maskedLast + maskedNormal},
		"in one frame": {"\x82\xfe\x00\x80\x00\x00\x00\x00xx", "x", strings.Repeat("x", 106) + maskedNormal},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Config{}, func(r *rig) {
				client, app := drainingWebSocket(r)
				client.send(parts[0])
				app.wants(parts[0])
				for range 20 {
					time.Sleep(lingerTimeout - time.Second)
					client.send(parts[1])
					app.wants(parts[1])
				}
				client.send(parts[2])
				app.wants(parts[2])
				app.closes()
				client.wantsEnd()
			})
		})
	}
	t.Run("but pings do not continue it", func(t *testing.T) {
		inBubble(t, Config{}, func(r *rig) {
			client, app := drainingWebSocket(r)
			client.send(maskedFirst)
			app.wants(maskedFirst)
			for range 2*lingerTimeout/time.Second - 2 {
				time.Sleep(time.Second)
				client.send(maskedPing)
				app.wants(maskedPing)
			}
			time.Sleep(3 * time.Second / 2)
			app.wantsEnd()
			client.taken()
		})
	})
}

func TestAClientThatHasNeverSpokenIsAnsweredFor(t *testing.T) {
	inBubble(t, Config{}, func(r *rig) {
		_, app := drainingWebSocket(r)
		time.Sleep(lingerTimeout)
		if got := app.taken(); len(got) != 8 || got[0] != 0x88 {
			t.Fatalf("the app got %x, want a close frame", got)
		}
		app.wantsEnd()
	})
}

// A peer may be dead, or may not answer close frames.
func TestAClientThatWasNotifiedAndBreaksOffEndsTheConnection(t *testing.T) {
	for name, test := range map[string]struct {
		does  func(client *peer)
		limit time.Duration
		app   string // what the app gets of it
	}{
		"in the middle of a frame":       {func(client *peer) { client.send(maskedText[:8]) }, 2*lingerTimeout + cutTimeout, maskedText[:8]},
		"in the middle of a header":      {func(client *peer) { client.send(maskedText[:1]) }, lingerTimeout + cutTimeout, ""},
		"with a FIN and no close frame":  {(*peer).ends, lingerTimeout, ""},
		"with a close frame and no FIN":  {func(client *peer) { client.send(maskedNormal) }, lingerTimeout, maskedNormal},
		"with both, while the app stays": {func(client *peer) { client.send(maskedNormal); client.ends() }, lingerTimeout, maskedNormal},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Config{}, func(r *rig) {
				client, app := drainingWebSocket(r)
				test.does(client)
				app.wants(test.app)
				time.Sleep(test.limit)
				app.wantsEnd()
				r.wantsNoConnections()
			})
		})
	}
}

func TestAClientThatClosesDoesNotGetASecondCloseFrame(t *testing.T) {
	for name, test := range map[string]func(client, app *peer){
		"the client closes": func(client, app *peer) { client.send(maskedNormal); app.wants(maskedNormal) },
		"the app closes":    func(client, app *peer) { app.send(normal); client.wants(normal) },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Config{}, func(r *rig) {
				client, app := webSocket(r)
				test(client, app)
				r.server.Drain()
				time.Sleep(lingerTimeout - time.Second)
				client.wantsOpen()
				app.wantsOpen()
			})
		})
	}
}

// The side that owes a close frame may be dead, or not know how to close.
func TestAClosingHandshakeThatIsNotCompletedEndsInADrain(t *testing.T) {
	t.Run("by the client", func(t *testing.T) {
		inBubble(t, Config{}, func(r *rig) {
			client, app := webSocket(r)
			app.send(normal)
			client.wants(normal)
			time.Sleep(time.Hour)
			client.wantsOpen() // while serving, the app decides
			r.server.Drain()
			time.Sleep(lingerTimeout + time.Second)
			if got := app.taken(); len(got) != 8 || got[0] != 0x88 {
				t.Errorf("the app got %x, want a close frame in place of the client's", got)
			}
			app.wantsEnd()
			time.Sleep(cutTimeout)
			client.wantsEnd()
			r.wantsNoConnections()
		})
	})
	t.Run("by the app", func(t *testing.T) {
		inBubble(t, Config{}, func(r *rig) {
			client, app := webSocket(r)
			client.send(maskedNormal)
			app.wants(maskedNormal)
			time.Sleep(time.Hour)
			client.wantsOpen()
			r.server.Drain()
			for range 3 {
				time.Sleep(closeTimeout - time.Second)
				app.send(text) // it may complete its message
				client.wants(text)
			}
			time.Sleep(closeTimeout + time.Second)
			client.wantsEnd()
			time.Sleep(2 * lingerTimeout)
			app.wantsEnd()
			r.wantsNoConnections()
		})
	})
	t.Run("by neither", func(t *testing.T) {
		inBubble(t, Config{}, func(r *rig) {
			client, app := webSocket(r)
			client.send(maskedNormal)
			app.wants(maskedNormal)
			app.send(normal)
			client.wants(normal)
			r.server.Drain()
			time.Sleep(closeTimeout + 2*lingerTimeout)
			client.wantsEnd()
			app.wantsEnd()
			r.wantsNoConnections()
		})
	})
}

func TestWebSocketClientsAreNotifiedOneAfterTheOther(t *testing.T) {
	const n, spread = 50, 10 * time.Second
	inBubble(t, Config{TunnelSpread: spread}, func(r *rig) {
		var clients []*peer
		for range n {
			c, _ := webSocket(r)
			clients = append(clients, c)
		}
		r.server.Drain()
		later, laterApp := r.connect() // an upgrade while draining is served, and then asked to leave like the others
		later.send(upgrade)
		laterApp.wants(upgrade)
		laterApp.send(upgraded101)
		clients = append(clients, later)
		var closed [10]int
		for second := range closed {
			time.Sleep(time.Second)
			for _, c := range clients {
				if strings.HasSuffix(string(c.taken()), goingAway) {
					closed[second]++
				}
			}
		}
		sum := 0
		for second, k := range closed {
			if sum += k; k > n/3 {
				t.Errorf("%d of %d were closed in second %d", k, n, second)
			}
		}
		if sum != n+1 {
			t.Errorf("%d were closed, want %d", sum, n+1)
		}
	})
}

func TestOtherTunnelsAreLeftAlone(t *testing.T) {
	inBubble(t, Config{}, func(r *rig) {
		client, app := tunnelled(r)
		r.server.Drain()
		time.Sleep(time.Hour)
		client.wantsOpen()
		app.send("more")
		client.wants("more")
		r.server.Cut()
		client.wantsReset()
		app.wantsReset()
	})
}

func TestImpossibleFramesAreTheEndsAffair(t *testing.T) {
	inBubble(t, Config{}, func(r *rig) {
		client, app := webSocket(r)
		const impossible = "\x82\x7f\xff\x00\x00\x00\x00\x00\x00\x00"
		app.send(impossible + "more")
		client.wants(impossible + "more")
		client.send("anything")
		app.wants("anything")
		r.server.Drain()
		time.Sleep(time.Minute)
		client.wantsOpen()
	})
}
