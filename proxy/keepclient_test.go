package proxy

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// keepingClients is inBubble for a server that keeps the client's connection when the app closes.
func keepingClients(t *testing.T, test func(*rig)) {
	t.Helper()
	inBubble(t, Config{KeepClient: true, AppWait: time.Second}, test)
}

const post = "POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody"

// ends are the ways in which an app closes.
var appEnds = map[string]func(*peer){"by a close": (*peer).closes, "by a reset": (*peer).resets}

func TestAnAppsIdleCloseDoesNotReachAClientThatIsKept(t *testing.T) {
	for name, end := range appEnds {
		for _, request := range []string{get, post} {
			t.Run(name+", before "+request[:4], func(t *testing.T) {
				keepingClients(t, func(r *rig) {
					client, app := r.connect()
					for range 3 {
						converse(client, app)
						end(app)
						client.wantsOpen()
						client.send(request)
						app = r.app()
						app.wants(request)
						app.send(ok)
						client.wants(ok)
					}
					if n := r.server.stats.redials.Load(); n != 3 {
						t.Errorf("%d redials counted, want 3", n)
					}
				})
			})
		}
	}
}

func TestKeepClient_AClientThatHasSaidNothing(t *testing.T) {
	t.Run("is kept on a route that speaks HTTP/1", func(t *testing.T) {
		onRoute(t, HTTP1, Config{KeepClient: true}, func(r *rig) {
			client, app := r.connect()
			app.closes()
			client.wantsOpen()
			client.send(get)
			app = r.app()
			app.wants(get)
			app.send(ok)
			client.wants(ok)
		})
	})
	for name, begin := range map[string]string{"nothing": "", "the beginning of a method": "GE", "an empty line": "\r\n"} {
		t.Run("sees the end if it may be waiting for the app, having sent "+name, func(t *testing.T) {
			keepingClients(t, func(r *rig) {
				client, app := r.connect()
				client.send(begin)
				synctest.Wait()
				app.closes()
				client.wantsEnd()
			})
		})
	}
	t.Run("sees the end after a greeting", func(t *testing.T) {
		for _, greeting := range []string{"220 ready\r\n", "HELLO\r\n", "\x00"} {
			keepingClients(t, func(r *rig) {
				client, app := r.connect()
				app.send(greeting)
				synctest.Wait()
				app.closes()
				synctest.Wait()
				client.available()
				client.wantsEnd()
			})
		}
	})
}

// The next request arrives in the moment in which the app closes. Which of the two is seen first is
// up to the scheduler; usually it is the close.
func TestKeepClient_ARequestIsSentAgainBeforeTheNextOne(t *testing.T) {
	const next = "GET /next HTTP/1.1\r\nHost: a\r\n\r\n"
	for n := range 1500 {
		keepingClients(t, func(r *rig) {
			client, app := r.connect()
			converse(client, app)
			client.send(get)
			app.wants(get)
			if n%2 == 0 {
				client.send(next)
				app.closes()
			} else {
				app.closes()
				client.send(next)
			}
			synctest.Wait()
			if len(r.apps) == 0 {
				return // both were relayed to the app that has closed
			}
			app = r.app()
			app.wants(get + next)
			app.send(ok + ok)
			client.wants(ok + ok)
		})
	}
}

// The rest of the body cannot be relayed, and the client waits until it is read.
func TestKeepClient_AClientWhoseRequestIsAnsweredEarlySeesTheEnd(t *testing.T) {
	heads := map[string]string{
		"a length": "POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nbody",
		"chunks":   "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n",
	}
	for name, begun := range heads {
		for how, end := range appEnds {
			t.Run("with "+name+", "+how, func(t *testing.T) {
				keepingClients(t, func(r *rig) {
					client, app := r.connect()
					converse(client, app)
					client.send(begun)
					app.wants(begun)
					app.send(ok)
					client.wants(ok)
					end(app)
					client.wantsEnd()
					if len(r.apps) > 0 {
						t.Error("the app was dialed again in the middle of a request")
					}
				})
			})
		}
	}
}

func TestKeepClient_AClientWhoseUploadIsCompleteIsKept(t *testing.T) {
	keepingClients(t, func(r *rig) {
		client, app := r.connect()
		client.send(post[:len(post)-2])
		app.wants(post[:len(post)-2])
		app.send(ok)
		client.wants(ok)
		client.send(post[len(post)-2:])
		app.wants(post[len(post)-2:])
		app.closes()
		client.wantsOpen()
		client.send(get)
		r.app().wants(get)
	})
}

// The first bytes of a connection are relayed before it is known that they begin a request. The app
// that is dialed again has not received them.
func TestKeepClient_ARequestOfWhichAnotherAppHasReceivedAPartIsSentWhole(t *testing.T) {
	for name, end := range appEnds {
		t.Run(name, func(t *testing.T) {
			keepingClients(t, func(r *rig) {
				client, app := r.connect()
				client.send(get[:8])
				app.wants(get[:8])
				client.send(get[8:20])
				app.wantsNothing()
				end(app)
				client.wantsOpen()
				client.send(get[20:])
				app = r.app()
				app.wants(get)
				app.send(ok)
				client.wants(ok)
			})
		})
	}
}

// Some clients send an empty line after the body of a request.
func TestKeepClient_AnEmptyLineBehindTheAppsCloseIsNoEnd(t *testing.T) {
	for name, end := range appEnds {
		for _, pieces := range [][]string{{"\r\n", get}, {"\r\n" + get[:8], get[8:]}, {"\n", "\r\n", get}} {
			t.Run(fmt.Sprintf("%s, before %q", name, pieces), func(t *testing.T) {
				keepingClients(t, func(r *rig) {
					client, app := r.connect()
					converse(client, app)
					end(app)
					for _, p := range pieces {
						synctest.Wait()
						client.send(p)
					}
					app = r.app()
					app.wants(get)
					app.send(ok)
					client.wants(ok)
				})
			})
		}
	}
	t.Run("nor in front of a request that is refused", func(t *testing.T) {
		keepingClients(t, func(r *rig) {
			client, app := r.connect()
			converse(client, app)
			app.closes()
			synctest.Wait()
			client.send("\r\nGET / HTTP/1.1\r\nContent-Length: x\r\n\r\n")
			client.wantsAnswer("400")
		})
	})
	t.Run("nor when the app closes at that moment", func(t *testing.T) {
		for range 50 {
			keepingClients(t, func(r *rig) {
				client, app := r.connect()
				converse(client, app)
				go app.resets()
				client.send("\r\n")
				synctest.Wait()
				client.send(get)
				app = r.app()
				app.wants(get)
			})
		}
	})
}

func TestAnAppsCloseOfABusyConnectionIsPropagated(t *testing.T) {
	const closing = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
	for name, test := range map[string]struct{ request, response string }{
		"after its close option":          {get, closing},
		"after the client's":              {"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", ok},
		"in HTTP/1.0":                     {get, "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"},
		"to a client of HTTP/1.0":         {"GET / HTTP/1.0\r\n\r\n", ok},
		"at the end of a response":        {get, "HTTP/1.1 200 OK\r\n\r\nall until the end"},
		"in the middle of a response":     {get, "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nok"},
		"before the first byte of a POST": {post, ""},
		"on a connection that was new":    {get, ""},
	} {
		t.Run(name, func(t *testing.T) {
			keepingClients(t, func(r *rig) {
				client, app := r.connect()
				client.send(test.request)
				app.wants(test.request)
				app.send(test.response)
				client.wants(test.response)
				app.closes()
				client.wantsEnd()
			})
		})
	}
}

func TestWithoutKeepClientAnAppsCloseIsPassedOn(t *testing.T) {
	inBubble(t, Config{}, func(r *rig) {
		client, app := r.connect()
		converse(client, app)
		app.closes()
		client.wantsEnd()
	})
	through(t, Route{Proxied: true}, Config{KeepClient: true}, func(r *rig) {
		client, app := r.connect()
		client.send("PROXY UNKNOWN\r\n")
		app.wants("PROXY UNKNOWN\r\n")
		converse(client, app)
		app.closes()
		client.wantsEnd()
	})
}

func TestARequestThatMeetsTheAppsCloseIsSentAgain(t *testing.T) {
	put := "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n"
	for name, end := range appEnds {
		for what, request := range map[string]string{"GET": get, "PUT": put, "one that may switch": offersH2C} {
			t.Run(name+", "+what, func(t *testing.T) {
				keepingClients(t, func(r *rig) {
					client, app := r.connect()
					converse(client, app)
					client.send(request)
					app.wants(request)
					end(app)
					client.wantsOpen()
					app = r.app()
					app.wants(request)
					app.send(ok)
					client.wants(ok)
					converse(client, app)
					if n := r.server.stats.resent.Load(); n != 1 {
						t.Errorf("%d resent requests counted, want 1", n)
					}
					if n := r.server.stats.exchanges[2].Load(); n != 3 {
						t.Errorf("%d exchanges counted, want 3", n)
					}
				})
			})
		}
	}
}

// offersH2C is a request of a client that prefers HTTP/2, such as Java's.
const offersH2C = "GET / HTTP/1.1\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n\r\n"

func TestKeepClient_ARequestThatSwitchesProtocolsIsSentAgain(t *testing.T) {
	for name, behind := range map[string]string{"": "", ", with bytes behind it": maskedText} {
		t.Run("a WebSocket"+name, func(t *testing.T) {
			keepingClients(t, func(r *rig) {
				client, app := r.connect()
				converse(client, app)
				client.send(upgrade + behind)
				app.wants(upgrade + behind)
				app.closes()
				client.wantsOpen()
				app = r.app()
				app.wants(upgrade + behind)
				app.send(upgraded101 + text)
				client.wants(upgraded101 + text)
				client.send(maskedText)
				app.wants(maskedText)
				app.closes()
				client.wantsEnd()
			})
		})
	}
	t.Run("and answered 503 if the app does not accept", func(t *testing.T) {
		keepingClients(t, func(r *rig) {
			client, app := r.connect()
			converse(client, app)
			r.setRefuse(true)
			client.send(upgrade)
			app.wants(upgrade)
			app.closes()
			time.Sleep(2 * time.Second)
			client.wantsAnswer("503")
			client.closes()
		})
	})
}

// The last request of a client is treated like any other.
func TestKeepClient_ARequestThatClosesIsSentAgain(t *testing.T) {
	for _, request := range []string{"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", "GET / HTTP/1.0\r\n\r\n"} {
		keepingClients(t, func(r *rig) {
			client, app := r.connect()
			converse(client, app)
			client.send(request)
			app.wants(request)
			app.closes()
			client.wantsOpen()
			app = r.app()
			app.wants(request)
			app.send(ok)
			client.wants(ok)
			app.closes()
			client.wantsEnd()
		})
	}
}

// The app closes while the request is being sent: either the read or the write may fail first.
func TestARequestThatIsBeingSentMeetsTheAppsClose(t *testing.T) {
	for range 50 {
		keepingClients(t, func(r *rig) {
			client, app := r.connect()
			converse(client, app)
			go app.resets()
			client.send(get)
			app = r.app()
			app.wants(get)
			app.send(ok)
			client.wants(ok)
		})
	}
}

func TestARequestIsSentAgainOnceAtMost(t *testing.T) {
	keepingClients(t, func(r *rig) {
		client, app := r.connect()
		converse(client, app)
		client.send(get)
		app.wants(get)
		app.closes()
		app = r.app()
		app.wants(get)
		app.closes()
		client.wantsEnd()
	})
}

func TestARequestIsNotSentAgain(t *testing.T) {
	long := "PUT / HTTP/1.1\r\nContent-Length: 10000\r\n\r\n" + strings.Repeat("x", 10000)
	for name, test := range map[string]struct{ request, response string }{
		"that is not idempotent":          {post, ""},
		"of a method that is not known":   {"BREW / HTTP/1.1\r\n\r\n", ""},
		"that is not whole in a buffer":   {long, ""},
		"whose response has begun":        {get, "HTTP/1.1 200"},
		"with an interim response":        {get, "HTTP/1.1 103 Early Hints\r\n\r\n"},
		"with another one behind it":      {get + get, ""},
		"with another one that is a POST": {get + post, ""},
	} {
		t.Run(name, func(t *testing.T) {
			keepingClients(t, func(r *rig) {
				client, app := r.connect()
				converse(client, app)
				go func() { _, _ = io.WriteString(client.conn, test.request) }()
				app.wants(test.request)
				app.send(test.response)
				synctest.Wait()
				app.closes()
				synctest.Wait()
				client.available()
				client.wantsEnd()
				if len(r.apps) > 0 {
					t.Error("the app was dialed again")
				}
			})
		})
	}
}

func TestHalfAHeadWaitsWhileTheRequestBeforeItIsSentAgain(t *testing.T) {
	inBubble(t, Config{KeepClient: true, HeaderTimeout: time.Minute}, func(r *rig) {
		client, app := r.connect()
		converse(client, app)
		client.send(get + get[:10])
		app.wants(get)
		app.closes()
		app = r.app()
		app.wants(get)
		app.send(ok)
		client.wants(ok)
		client.send(get[10:])
		app.wants(get)
		app.send(ok)
		client.wants(ok)
	})
}

func TestABadRequestBehindOneThatIsStale(t *testing.T) {
	keepingClients(t, func(r *rig) {
		client, app := r.connect()
		converse(client, app)
		client.send(get + "G")
		app.wants(get)
		go app.closes()
		client.send("\x00 HTTP/1.1\r\n\r\n")
		synctest.Wait()
		if len(r.apps) > 0 {
			app = r.app()
			app.wants(get)
			app.send(ok)
		}
		synctest.Wait()
		client.available()
		client.wantsEnd()
	})
}

func TestAKeptClientHasA503WhenTheAppDoesNotAcceptAgain(t *testing.T) {
	for name, ask := range map[string]func(client, app *peer){
		"to a request that comes then": func(client, app *peer) {
			app.closes()
			synctest.Wait()
			client.send(get)
		},
		"to one that it has not answered": func(client, app *peer) {
			client.send(get)
			app.wants(get)
			app.closes()
		},
	} {
		t.Run(name, func(t *testing.T) {
			keepingClients(t, func(r *rig) {
				client, app := r.connect()
				converse(client, app)
				r.setRefuse(true)
				ask(client, app)
				time.Sleep(2 * time.Second)
				client.wantsAnswer("503")
				client.closes()
			})
		})
	}
}

func TestAKeptClientIsResetWhenTheAppHasGoneForGood(t *testing.T) {
	keepingClients(t, func(r *rig) {
		client, app := r.connect()
		converse(client, app)
		app.closes()
		synctest.Wait()
		r.server.AppEnded()
		client.send(get)
		client.wantsReset()
	})
}

func TestAKeptClientMayEnd(t *testing.T) {
	for name, end := range map[string]func(*peer){"by a close": (*peer).closes, "by a reset": (*peer).resets, "one side": (*peer).ends} {
		t.Run(name, func(t *testing.T) {
			keepingClients(t, func(r *rig) {
				client, app := r.connect()
				converse(client, app)
				app.closes()
				client.wantsOpen()
				end(client)
				r.wantsNoConnections()
			})
		})
	}
}

// The app is detached, or not, while the client's end is being propagated.
func TestAKeptClientMayEndTogetherWithTheApp(t *testing.T) {
	for n := range 1500 {
		keepingClients(t, func(r *rig) {
			client, app := r.connect()
			converse(client, app)
			synctest.Wait()
			client.ends()
			for range n % 50 {
				runtime.Gosched()
			}
			app.closes()
			r.wantsNoConnections()
		})
	}
}

func TestAKeptClientInADrain(t *testing.T) {
	away := func(r *rig) *peer {
		client, app := r.connect()
		converse(client, app)
		r.server.Drain()
		app.closes()
		client.wantsOpen()
		return client
	}
	t.Run("gets the close option in its next response", func(t *testing.T) {
		keepingClients(t, func(r *rig) {
			client := away(r)
			client.send(get)
			app := r.app()
			app.wants(get)
			app.send(ok)
			client.wants(okClose)
			client.wantsEnd()
		})
	})
	t.Run("is closed as idle", func(t *testing.T) {
		keepingClients(t, func(r *rig) {
			client := away(r)
			r.server.CloseIdle()
			client.wantsEnd()
		})
	})
	t.Run("is cut while the app is dialled", func(t *testing.T) {
		keepingClients(t, func(r *rig) {
			client := away(r)
			r.setRefuse(true)
			client.send(get)
			synctest.Wait()
			r.server.CloseIdle()
			client.wantsOpen() // its request has arrived
			r.server.Cut()
			client.wantsEnd()
		})
	})
}

func TestI10AKeptClientThatWaitsHoldsNoBuffer(t *testing.T) {
	keepingClients(t, func(r *rig) {
		client, app := r.connect()
		converse(client, app)
		converse(client, app) // this one could be sent again
		for _, c := range r.server.all() {
			c.mu.Lock()
			if c.relayer.(*http1Conn).reconnect.copy != nil {
				t.Error("an idle connection holds an answered request")
			}
			c.mu.Unlock()
		}
	})
}

// When the app closes, the direction from the client is parked and the one from the app is not.
func TestAClientThatIsBeingParkedIsKept(t *testing.T) {
	keepingClients(t, func(r *rig) {
		client, app := r.connect()
		converse(client, app)
		c := r.server.all()[0]
		c.mu.Lock()
		c.parking.wanted = true
		c.requests.Deadline.Rouse()
		c.mu.Unlock()
		synctest.Wait()
		app.closes()
		client.wantsOpen()
		client.send(get)
		app = r.app()
		app.wants(get)
		app.send(ok)
		client.wants(ok)
	})
}

// Nothing reads from idle connections, which are parked.
func TestAParkedClientIsKeptWhenTheAppCloses(t *testing.T) {
	var accepted atomic.Int64
	app := &http.Server{
		Handler:   http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }),
		ConnState: func(_ net.Conn, s http.ConnState) { countNew(&accepted, s) },
	}
	ln := listenLoopback(t)
	go func() { _ = app.Serve(ln) }()
	t.Cleanup(func() { _ = app.Close() })
	s := New(Config{KeepClient: true})
	c, err := net.Dial("tcp", serveLoopback(t, s, Route{Dial: DialTCP(ln.Addr().String())}))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	exchange := func() {
		t.Helper()
		if _, err := io.WriteString(c, get); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 4<<10)
		if n, err := c.Read(b); err != nil || !strings.HasSuffix(string(b[:n]), "ok") {
			t.Fatalf("the client got %q, error %v; want the app's response", b[:n], err)
		}
	}
	for n := range int64(2) {
		exchange()
		for s.parker.parkedConns() == 0 { // two sweeps park it
			s.sweep()
			time.Sleep(time.Millisecond)
		}
		app.SetKeepAlivesEnabled(false) // closes idle connections
		for s.parker.parkedConns() > 0 {
			time.Sleep(time.Millisecond)
		}
		app.SetKeepAlivesEnabled(true)
		exchange()
		if got := accepted.Load(); got != n+2 {
			t.Fatalf("the app got %d connections, want %d", got, n+2)
		}
	}
}

func countNew(n *atomic.Int64, s http.ConnState) {
	if s == http.StateNew {
		n.Add(1)
	}
}
