package proxy

import (
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"lameduck/lifecycle/silence"
)

const (
	// uploading begins a request with a body of six pieces.
	uploading   = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 30\r\n\r\n"
	piece       = "piece"
	pieces      = 6
	early       = "HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno"
	earlyClosed = "HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno"
)

// An earlyEnd is a way in which a response ends before the upload that it answers.
type earlyEnd struct {
	drain, halfClose bool
	response, seen   string
}

var earlyEnds = map[string]earlyEnd{
	"and the app keeps the connection":     {response: early, seen: early},
	"and the app half-closes":              {response: earlyClosed, seen: earlyClosed, halfClose: true},
	"with the connection":                  {response: untilClose, seen: untilClose, halfClose: true},
	"and the client gets the close option": {response: early, seen: earlyClosed, drain: true},
	"and gets it, and the app half-closes": {response: early, seen: earlyClosed, drain: true, halfClose: true},
	"with the connection, while draining": {
		response: untilClose, seen: closing(untilClose[:len(untilClose)-4]) + "a,b\n", drain: true, halfClose: true,
	},
	"and the app closes, while draining": {response: earlyClosed, seen: earlyClosed, drain: true, halfClose: true},
}

// answersEarly opens a connection whose app answers the beginning of an upload.
func (e earlyEnd) answersEarly(r *rig, request string) (client, app *peer) {
	client, app = r.connect()
	if e.drain {
		r.server.Drain()
	}
	client.send(request)
	app.wants(request)
	app.send(e.response)
	client.wants(e.seen)
	if e.halfClose {
		app.ends()
	}
	synctest.Wait()
	return client, app
}

// The pauses are longer than the time limit of a lingering connection.
func TestUpload_LastsAsLongAsTheAppReadsAlthoughItHasAnswered(t *testing.T) {
	for name, end := range earlyEnds {
		for how, test := range map[string]struct{ head, piece, last string }{
			"a length": {uploading, piece, ""},
			"chunks":   {"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", "5\r\npiece\r\n", "0\r\n\r\n"},
		} {
			t.Run(how+", "+name, func(t *testing.T) {
				inBubble(t, Config{}, func(r *rig) {
					client, app := end.answersEarly(r, test.head)
					for range pieces {
						time.Sleep(uploadTimeout - uploadTick)
						app.wantsOpen()
						client.send(test.piece)
						app.wants(test.piece)
					}
					client.send(test.last)
					app.wants(test.last)
					if !end.drain && !end.halfClose {
						converse(client, app)
						return
					}
					client.wantsEnd()
					time.Sleep(lingerTimeout + time.Second)
					app.wantsEnd()
					r.wantsNoConnections()
				})
			})
		}
	}
}

func TestUpload_IsInFlightUntilItsEnd(t *testing.T) {
	for name, end := range earlyEnds {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Config{}, func(r *rig) {
				client, app := end.answersEarly(r, uploading)
				r.server.Drain()
				for range pieces {
					if n := r.server.Forecast(silence.Rule{}).InFlight; n != 1 {
						t.Fatalf("%d exchanges in flight, want the upload", n)
					}
					r.server.CloseIdle()
					client.send(piece)
					app.wants(piece)
				}
				if n := r.server.Forecast(silence.Rule{}).InFlight; n != 0 {
					t.Errorf("%d exchanges in flight after the upload, want none", n)
				}
				class := map[bool]int{true: 2, false: 4}[strings.Contains(end.response, " 200 ")]
				if n := r.server.stats.exchanges[class].Load(); n != 1 {
					t.Errorf("%d exchanges counted with their status, want 1", n)
				}
			})
		})
	}
}

func TestUpload_EndsWithItsClient(t *testing.T) {
	for name, end := range earlyEnds {
		for how, leave := range map[string]func(*peer){
			"a half-close": (*peer).ends, "a close": (*peer).closes, "a reset": (*peer).resets,
		} {
			t.Run(how+", "+name, func(t *testing.T) {
				inBubble(t, Config{}, func(r *rig) {
					client, app := end.answersEarly(r, uploading)
					client.send(piece)
					app.wants(piece)
					leave(client)
					synctest.Wait()
					if n := r.server.stats.inFlight.Load(); n != 0 {
						t.Errorf("%d exchanges in flight, want none", n)
					}
					app.wantsNothing()
					if !app.conn.in.ended {
						t.Error("the app does not see the end")
					}
				})
			})
		}
	}
}

// There is no limit if the app keeps the connection open, as on a direct connection.
func TestUpload_ThatStandsStillEnds(t *testing.T) {
	for name, end := range earlyEnds {
		if !end.drain && !end.halfClose {
			continue
		}
		for how, stop := range map[string]func(client, app *peer){
			"a silent client":           func(client, app *peer) { client.send(piece); app.wants(piece) },
			"a client that never began": func(client, app *peer) {},
			"an app that reads nothing": func(client, app *peer) {
				go func() { _, _ = io.WriteString(client.conn, strings.Repeat("x", 10*memBuffer)) }()
			},
		} {
			t.Run(how+", "+name, func(t *testing.T) {
				inBubble(t, Config{}, func(r *rig) {
					head := fmt.Sprintf("POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n", 100*memBuffer)
					client, app := end.answersEarly(r, head)
					time.Sleep(time.Second)
					stop(client, app)
					time.Sleep(uploadTimeout - uploadTick)
					synctest.Wait()
					if n := r.server.stats.inFlight.Load(); n != 1 {
						t.Errorf("%d exchanges in flight, want the upload", n)
					}
					time.Sleep(3 * uploadTick)
					r.wantsNoConnections()
					app.available()
					app.wantsReset()
				})
			})
		}
	}
}

// A write may block for longer than the limit, as long as the app reads some of it.
func TestUpload_ToASlowAppLasts(t *testing.T) {
	inBubble(t, Config{}, func(r *rig) {
		const size = 20 * memBuffer
		end := earlyEnds["and the client gets the close option"]
		client, app := end.answersEarly(r, fmt.Sprintf("POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n", size))
		go func() { _, _ = io.WriteString(client.conn, strings.Repeat("x", size)) }()
		got := 0
		for got < size {
			time.Sleep(uploadTimeout - uploadTick)
			synctest.Wait()
			n := len(app.available())
			if n == 0 {
				t.Fatalf("the app got %d bytes of %d", got, size)
			}
			got += n
		}
		client.wantsEnd()
	})
}

// A FIN in the middle of an upload stops clients that do not use half-open connections.
func TestUpload_OfAClientThatIsAskedToDisconnectIsNotDisturbedByAFIN(t *testing.T) {
	inBubble(t, Config{}, func(r *rig) {
		client, app := earlyEnds["and the client gets the close option"].answersEarly(r, uploading)
		for range pieces {
			client.wantsOpen()
			client.send(piece)
			app.wants(piece)
		}
		client.wantsEnd()
		app.wantsEnd()
	})
}

func TestUpload_TheAppsOwnFINReachesTheClientAtOnce(t *testing.T) {
	for _, name := range []string{
		"and the app half-closes", "with the connection", "with the connection, while draining",
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Config{}, func(r *rig) {
				client, _ := earlyEnds[name].answersEarly(r, uploading)
				client.wantsEnd()
			})
		})
	}
}

func TestUpload_ThatTheAppDoesNotTakeLeavesTheResponse(t *testing.T) {
	for name, end := range map[string]func(*peer){"by a close": (*peer).closes, "by a reset": (*peer).resets} {
		for _, how := range []string{"and the app keeps the connection", "and the client gets the close option"} {
			t.Run(name+", "+how, func(t *testing.T) {
				inBubble(t, Config{}, func(r *rig) {
					client, app := earlyEnds[how].answersEarly(r, uploading)
					end(app)
					for range 3 {
						synctest.Wait()
						_, _ = io.WriteString(client.conn, piece) // fails if the connection has been reset
					}
					client.wantsEnd()
					if n := r.server.stats.inFlight.Load(); n != 0 {
						t.Errorf("%d exchanges in flight, want none", n)
					}
					time.Sleep(2 * lingerTimeout)
					r.wantsNoConnections()
				})
			})
		}
	}
}

func TestUpload_IsNotInFlightOnceTheAppHasResetTheConnection(t *testing.T) {
	inBubble(t, Config{}, func(r *rig) {
		client, app := earlyEnds["and the app keeps the connection"].answersEarly(r, uploading)
		app.resets()
		client.wantsEnd()
		if n := r.server.stats.inFlight.Load(); n != 0 {
			t.Errorf("%d exchanges in flight, want none", n)
		}
		time.Sleep(lingerTimeout + time.Second)
		r.wantsNoConnections()
	})
}

// The response is complete, so the client is not reset with the app.
func TestUpload_IsCutAndCounted(t *testing.T) {
	for name, end := range earlyEnds {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Config{}, func(r *rig) {
				client, app := end.answersEarly(r, uploading)
				client.send(piece)
				app.wants(piece)
				if connections, exchanges := r.server.Cut(); connections != 1 || exchanges != 1 {
					t.Errorf("%d connections with %d exchanges were cut, want 1 with 1", connections, exchanges)
				}
				client.wantsEnd()
				app.wantsReset()
			})
		})
	}
}

func TestUpload_OfAHealthProbeIsNotTraffic(t *testing.T) {
	inBubble(t, Config{ProbeAgents: DefaultProbeAgents}, func(r *rig) {
		end := earlyEnds["and the app keeps the connection"]
		end.answersEarly(r, "POST / HTTP/1.1\r\nUser-Agent: kube-probe/1\r\nContent-Length: 30\r\n\r\n")
		if n := r.server.stats.inFlight.Load(); n != 0 {
			t.Errorf("%d exchanges in flight, want none", n)
		}
		if connections, exchanges := r.server.Cut(); connections != 0 || exchanges != 0 {
			t.Errorf("%d connections with %d exchanges were cut, want none", connections, exchanges)
		}
	})
}

// The client has seen that its body is not wanted.
func TestUpload_ABodyThatIsWithheldIsNotWaitedFor(t *testing.T) {
	inBubble(t, Config{}, func(r *rig) {
		client, _ := earlyEnds["and the client gets the close option"].answersEarly(r, expecting)
		client.wantsEnd()
		if n := r.server.stats.inFlight.Load(); n != 0 {
			t.Errorf("%d exchanges in flight, want none", n)
		}
		time.Sleep(lingerTimeout + time.Second)
		r.wantsNoConnections()
	})
}

func TestUpload_LastsAlthoughTheAppHasEndedWithoutAnAnswer(t *testing.T) {
	for name, begun := range map[string]string{
		"": "", ", within one": "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\na",
	} {
		t.Run("without one"+name, func(t *testing.T) {
			inBubble(t, Config{}, func(r *rig) {
				client, app := earlyEnd{response: begun, seen: begun, halfClose: true}.answersEarly(r, uploading)
				client.wantsEnd()
				for range pieces {
					time.Sleep(uploadTimeout - uploadTick)
					client.send(piece)
					app.wants(piece)
				}
				time.Sleep(lingerTimeout + time.Second)
				r.wantsNoConnections()
			})
		})
	}
}

// A body that the client has been asked for is an upload before its first byte.
func TestUpload_LastsAlthoughTheAppHasChangedItsMindAfterA100(t *testing.T) {
	inBubble(t, Config{}, func(r *rig) {
		client, app := r.connect()
		r.server.Drain()
		client.send(expecting)
		app.wants(expecting)
		app.send("HTTP/1.1 100 Continue\r\n\r\n" + early)
		client.wants("HTTP/1.1 100 Continue\r\n\r\n" + earlyClosed)
		for _, b := range "hello" {
			time.Sleep(uploadTimeout - uploadTick)
			client.wantsOpen()
			client.send(string(b))
			app.wants(string(b))
		}
		client.wantsEnd()
	})
}

// Some clients do not wait for a 100, and others ignore a 413.
func TestUpload_LastsOnceItHasBegunAlthoughTheClientWasExpectedToWithholdIt(t *testing.T) {
	inBubble(t, Config{}, func(r *rig) {
		client, app := earlyEnds["and the client gets the close option"].answersEarly(r, expecting)
		client.wantsEnd()
		time.Sleep(lingerTimeout - time.Second)
		for _, b := range "hello" {
			client.send(string(b))
			app.wants(string(b))
			time.Sleep(uploadTimeout - uploadTick)
		}
		r.wantsNoConnections()
	})
}

// Bytes to an app that has half-closed are relayed as long as the client is not silent, whatever
// the protocol.
func TestI8WhatAClientSendsToAHalfClosedAppPasses(t *testing.T) {
	for name, test := range map[string]struct {
		begin func(*rig) (client, app *peer)
		sends string
	}{
		"HTTP/2":    {parts["an HTTP/2 stream"], data(1, false, 9)},
		"WebSocket": {webSocket, maskedText},
		"a tunnel":  {tunnelled, "on"},
		"unframed": {func(r *rig) (client, app *peer) {
			return unframedBy(r, expecting, expectationFailed)
		}, "h"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Config{}, func(r *rig) {
				client, app := test.begin(r)
				app.ends()
				client.wantsEnd()
				for range 10 {
					time.Sleep(lingerTimeout - time.Second)
					client.send(test.sends)
					app.wants(test.sends)
				}
				time.Sleep(halfCloseTimeout + time.Second)
				r.wantsNoConnections()
			})
		})
	}
}

// Nothing is relayed any more, so the client only gets time to close: also if the app refuses its
// bytes first, and closes later.
func TestI8AClientThatSendsToAnAppThatHasClosedDoesNotKeepItsConnection(t *testing.T) {
	for name, begin := range map[string]func(*rig) (client, app *peer){
		"HTTP/2": speaksHTTP2, "a tunnel": tunnelled, "WebSocket": webSocket,
	} {
		for how, end := range map[string]func(client, app *peer){
			"at once": func(_, app *peer) { app.closes() },
			"later": func(client, app *peer) {
				app.conn.in.end(syscall.EPIPE)
				client.send(data(1, false, 9))
				synctest.Wait()
				app.ends()
			},
		} {
			t.Run(name+", "+how, func(t *testing.T) {
				inBubble(t, Config{}, func(r *rig) {
					client, app := begin(r)
					end(client, app)
					for range 20 {
						time.Sleep(time.Second)
						if _, err := io.WriteString(client.conn, data(1, false, 9)); err != nil {
							return
						}
					}
					t.Error("the connection stays open as long as the client sends")
				})
			})
		}
	}
}

func TestStall(t *testing.T) {
	var s stall
	for i, look := range []struct {
		count uint64
		want  int
	}{{0, 0}, {0, 1}, {0, 2}, {1, 0}, {1, 1}, {9, 0}, {0, 0}} {
		if got := s.looks(look.count); got != look.want {
			t.Errorf("look %d has counted %d before %d times, want %d", i, look.count, got, look.want)
		}
	}
}

// The kernel's part: splice, a real half-close, and an app that reads on for longer than a
// connection lingers.
func TestUpload_LastsThroughTheKernel(t *testing.T) {
	if testing.Short() {
		t.Skip("takes longer than a connection lingers")
	}
	t.Parallel()
	const size, parts = 1 << 20, 8
	s := New(Config{})
	ln := listenLoopback(t)
	client, app := connected(t, serveLoopback(t, s, Route{Dial: DialTCP(ln.Addr().String())}), ln)
	passesInPieces(t, client, app, []string{fmt.Sprintf("POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n", size)})
	passesInPieces(t, app, client, []string{earlyClosed})
	if err := app.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	wantsEOF(t, client)
	for range parts {
		time.Sleep((lingerTimeout + 2*time.Second) / parts)
		passesInPieces(t, client, app, []string{strings.Repeat("x", size/parts)})
	}
	// The app may have read the last part before the relay has accounted for it.
	if !eventually(func() bool { return s.stats.inFlight.Load() == 0 }) {
		t.Errorf("%d exchanges in flight, want none", s.stats.inFlight.Load())
	}
	_ = client.Close()
	_ = app.SetReadDeadline(time.Now().Add(time.Minute))
	if b, err := io.ReadAll(app); err != nil || len(b) > 0 {
		t.Errorf("the app read %d more bytes, error %v", len(b), err)
	}
}
