package proxy

import (
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// bodiless are exchanges whose response has no body, although some apps send one.
var bodiless = map[string]struct{ request, response, surplus string }{
	"the last chunk of a 204":          {get, "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", "0\r\n\r\n"},
	"the body of a 304":                {get, "HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\n", "ok"},
	"the body of an answer to HEAD":    {"HEAD / HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", "ok"},
	"more than Content-Length":         {get, ok, "okay"},
	"an empty line that is none":       {get, ok, "\r\n \r\n"},
	"a response that nobody asked for": {get, ok, "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"},
}

func TestSurplus_EmptyLinesPassAndTheNextRequestIsAnswered(t *testing.T) {
	responses := map[string]string{
		"a length":       ok,
		"no body":        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
		"a 204":          "HTTP/1.1 204 No Content\r\n\r\n",
		"a last chunk":   "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
		"an early hint":  "HTTP/1.1 103 Early Hints\r\n\r\n\r\n" + ok,
		"a 100 Continue": "HTTP/1.1 100 Continue\r\n\r\n\r\n\n" + ok,
	}
	for name, response := range responses {
		for _, empty := range []string{"\r\n", "\n", "\r\n\n\r\n"} {
			t.Run("after "+name, func(t *testing.T) {
				inBubble(t, Config{}, func(r *rig) {
					client, app := r.connect()
					for range 2 {
						client.send(get)
						app.wants(get)
						app.send(response + empty)
						client.wants(response + empty)
					}
					client.send(get)
					app.wants(get)
					app.sendSlowly(empty + response)
					client.wants(empty + response)
					app.sendSlowly(empty) // with no request outstanding
					client.wants(empty)
					r.server.Drain()
					client.send(get)
					app.wants(get)
					app.send(empty + ok)
					client.wants(empty + okClose)
					client.wantsEnd()
				})
			})
		}
	}
}

func TestSurplus_PassesAndTheClientSeesTheEnd(t *testing.T) {
	for name, test := range bodiless {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Config{}, func(r *rig) {
				client, app := r.connect()
				client.send(test.request)
				app.wants(test.request)
				app.send(test.response + test.surplus)
				client.wants(test.response + test.surplus)
				for range 5 {
					time.Sleep(surplusSilence * 9 / 10)
					app.send("more")
					client.wants("more")
					client.wantsOpen()
				}
				time.Sleep(surplusSilence)
				client.wantsEnd()
				app.wantsEnd()
				time.Sleep(lingerTimeout + time.Second)
				r.wantsNoConnections()
			})
		})
	}
}

// A request that cannot get an answer must not wait for one.
func TestSurplus_ARequestBehindItSeesTheEndAtOnce(t *testing.T) {
	for name, test := range bodiless {
		for _, next := range []string{get, post, get[:9]} {
			t.Run(name, func(t *testing.T) {
				inBubble(t, Config{HeaderTimeout: time.Minute}, func(r *rig) {
					client, app := r.connect()
					client.send(test.request)
					app.wants(test.request)
					app.send(test.response + test.surplus)
					client.wants(test.response + test.surplus)
					client.send(next)
					if next == get[:9] {
						time.Sleep(surplusSilence) // it is not a request yet
					}
					client.wantsEnd()
					app.wantsEnd() // and the app has not got it
				})
			})
		}
	}
}

func TestSurplus_AnAppThatSendsWithoutEndIsEndedByARequest(t *testing.T) {
	inBubble(t, Config{}, func(r *rig) {
		client, app := r.connect()
		converse(client, app)
		stop := make(chan struct{})
		go func() {
			for {
				select {
				case <-stop:
					return
				case <-time.After(surplusSilence / 10):
					_, _ = app.conn.Write([]byte("more"))
				}
			}
		}()
		time.Sleep(10 * surplusSilence)
		synctest.Wait()
		client.available()
		client.wantsOpen()
		client.send(get)
		time.Sleep(surplusSilence)
		synctest.Wait()
		close(stop)
		client.available()
		client.wantsEnd()
	})
}

func TestSurplus_BehindTheLastResponseOfADrain(t *testing.T) {
	for name, test := range bodiless {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Config{}, func(r *rig) {
				client, app := r.connect()
				converse(client, app)
				r.server.Drain()
				client.send(get)
				app.wants(get)
				app.send(ok + test.surplus)
				client.wants(okClose)
				client.wantsEnd()
				app.wantsEnd()
			})
		})
	}
}

func TestSurplus_ThatComesWhileDrainingEndsTheConnection(t *testing.T) {
	inBubble(t, Config{}, func(r *rig) {
		client, app := r.connect()
		converse(client, app)
		r.server.Drain()
		app.send("surplus")
		client.wants("surplus")
		time.Sleep(surplusSilence)
		client.wantsEnd()
		if n := r.server.stats.inFlight.Load(); n != 0 {
			t.Errorf("%d exchanges in flight, want none", n)
		}
	})
}

// The client may be about to answer a greeting, and there is no time limit on that.
func TestSurplus_AGreetingDoesNotEndTheConnection(t *testing.T) {
	inBubble(t, Config{}, func(r *rig) {
		client, app := r.connect()
		app.send("HELLO\r\n")
		client.wants("HELLO\r\n")
		time.Sleep(time.Minute)
		client.wantsOpen()
		client.send("\x01\x02")
		app.wants("\x01\x02")
		app.send("and so on")
		client.wants("and so on")
	})
}

func TestSurplus_OnAParkedConnection(t *testing.T) {
	park := func(t *testing.T, s *Server) {
		t.Helper()
		if !eventually(func() bool { s.sweep(); return s.parker.parkedConns() == 1 }) {
			t.Fatal("the connection is not parked")
		}
	}
	app := listenLoopback(t)
	s, address := onLoopback(t, Config{}, app)
	client, server := connected(t, address, app)
	for range 2 {
		passesInPieces(t, client, server, []string{get})
		passesInPieces(t, server, client, []string{ok})
		park(t, s)
		passesInPieces(t, server, client, []string{"\r\n"})
		park(t, s)
	}
	passesInPieces(t, server, client, []string{"surplus"})
	wantsEOF(t, client)
	wantsEOF(t, server)
}

func TestSurplus_AClientThatHasHalfClosedSeesTheEnd(t *testing.T) {
	app := listenLoopback(t)
	s, address := onLoopback(t, Config{}, app)
	client, server := connected(t, address, app)
	passesInPieces(t, client, server, []string{get})
	_ = client.(*net.TCPConn).CloseWrite()
	passesInPieces(t, server, client, []string{ok, "surplus"})
	wantsEOF(t, client)
	if !eventually(func() bool { return s.connections() == 0 }) {
		t.Error("the connection is still open")
	}
}

// The body of a request that was answered early is still relayed, and then the connection is
// closed.
func TestSurplus_DuringAnUpload(t *testing.T) {
	for name, surplus := range map[string]string{
		"of another response": "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n",
		"of anything":         "surplus",
	} {
		for _, next := range []string{"", get} {
			t.Run(name, func(t *testing.T) {
				inBubble(t, Config{}, func(r *rig) {
					client, app := r.connect()
					client.send(post[:len(post)-4])
					app.wants(post[:len(post)-4])
					app.send(ok + surplus)
					client.wants(ok + surplus)
					time.Sleep(2 * surplusSilence)
					client.send("body" + next)
					app.wants("body") // and not the next request
					client.wantsEnd()
					app.wantsEnd()
				})
			})
		}
	}
}

// A request that arrives at the moment when the surplus is detected is not relayed: its answer
// could not be recognized.
func TestSurplus_ARequestThatComesWithItIsNotRelayed(t *testing.T) {
	var client *peer
	log := zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zapcore.EncoderConfig{}), zapcore.AddSync(io.Discard), zap.WarnLevel),
		zap.Hooks(func(zapcore.Entry) error {
			client.send(get)
			time.Sleep(time.Millisecond) // until everything else is blocked
			return nil
		}))
	inBubble(t, Config{Log: log}, func(r *rig) {
		var app *peer
		client, app = r.connect()
		converse(client, app)
		app.send("surplus")
		time.Sleep(2 * time.Millisecond)
		app.wantsNothing()
		client.wants("surplus")
		client.wantsEnd()
	})
}
