package proxy

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	reference "golang.org/x/net/http2"

	"lameduck/proxy/h2"
)

// frames returns the bytes that write writes with the Framer of the reference implementation.
func frames(write func(f *reference.Framer)) string {
	var b bytes.Buffer
	f := reference.NewFramer(&b, nil)
	f.AllowIllegalWrites = true
	write(f)
	return b.String()
}

// headers is a HEADERS frame whose block is not decoded.
func headers(stream uint32, endStream, endHeaders bool) string {
	return frames(func(f *reference.Framer) {
		f.WriteHeaders(reference.HeadersFrameParam{StreamID: stream, BlockFragment: []byte("block"), EndStream: endStream, EndHeaders: endHeaders})
	})
}

func data(stream uint32, endStream bool, n int) string {
	return frames(func(f *reference.Framer) { f.WriteData(stream, endStream, make([]byte, n)) })
}

func continuation(stream uint32, endHeaders bool) string {
	return frames(func(f *reference.Framer) { f.WriteContinuation(stream, endHeaders, []byte("more")) })
}

func rst(stream uint32) string {
	return frames(func(f *reference.Framer) { f.WriteRSTStream(stream, reference.ErrCodeCancel) })
}

func promise(stream, promised uint32) string {
	return frames(func(f *reference.Framer) {
		f.WritePushPromise(reference.PushPromiseParam{StreamID: stream, PromiseID: promised, BlockFragment: []byte("block"), EndHeaders: true})
	})
}

func pingAck(b [8]byte) string { return frames(func(f *reference.Framer) { f.WritePing(true, b) }) }

func goAway(last uint32, code reference.ErrCode, debug string) string {
	return frames(func(f *reference.Framer) { f.WriteGoAway(last, code, []byte(debug)) })
}

var (
	settings = frames(func(f *reference.Framer) { f.WriteSettings() })
	notice   = goAway(h2.MaxStream, 0, "")
)

// speaksHTTP2 opens an HTTP/2 connection.
func speaksHTTP2(r *rig) (client, app *peer) {
	client, app = r.connect()
	client.send(h2.Preface + settings)
	app.wants(h2.Preface + settings)
	app.send(settings)
	client.wants(settings)
	return client, app
}

// wantsNotice reads the GOAWAY that refuses no stream, and returns the data of the PING after it.
func (p *peer) wantsNotice(last uint32) (ping [8]byte) {
	p.t.Helper()
	got := p.taken()
	want := goAway(last, 0, "")
	if !bytes.HasPrefix(got, []byte(want)) || len(got) != len(want)+h2.PingSize {
		p.t.Fatalf("the %s got %q, want a GOAWAY with the last stream %d and a PING", p.name, got, last)
	}
	f, err := reference.NewFramer(nil, bytes.NewReader(got[len(want):])).ReadFrame()
	if pf, ok := f.(*reference.PingFrame); err != nil || !ok || pf.IsAck() {
		p.t.Fatalf("the %s got %v, error %v; want a PING", p.name, f, err)
	} else {
		ping = pf.Data
	}
	return ping
}

func TestHTTP2FramesPassUnchanged(t *testing.T) {
	var fromClient, fromApp strings.Builder
	fromClient.WriteString(h2.Preface + settings)
	fromApp.WriteString(settings)
	for id := uint32(1); id < 20; id += 2 {
		fromClient.WriteString(headers(id, false, false) + continuation(id, true) + data(id, false, 100) + data(id, true, 0))
		fromApp.WriteString(headers(id, false, true) + data(id, false, 200) + headers(id, true, false) + continuation(id, true))
	}
	fromClient.WriteString(pingAck([8]byte{1}) + rst(19) + goAway(7, 2, "bye"))
	fromApp.WriteString(goAway(19, 1, "debug") + "\x00\x00\x03\x77\xff\x00\x00\x00\x00abc")
	for name, send := range map[string]func(*peer, string){"at once": (*peer).send, "byte by byte": (*peer).sendSlowly} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Config{}, func(r *rig) {
				client, app := r.connect()
				send(client, fromClient.String())
				app.wants(fromClient.String())
				send(app, fromApp.String())
				client.wants(fromApp.String())
				if n := r.server.stats.inFlight.Load(); n != 0 {
					t.Errorf("%d streams are open", n)
				}
			})
		})
	}
}

func TestStreamsAreExchangesInFlight(t *testing.T) {
	for name, test := range map[string]struct {
		client, app string
		open        int64
	}{
		"none at first":                   {"", "", 0},
		"a request under way":             {headers(1, false, true), "", 1},
		"a whole request":                 {headers(1, true, true), "", 1},
		"two":                             {headers(1, true, true) + headers(3, true, true), "", 2},
		"an answer under way":             {headers(1, true, true), headers(1, false, true) + data(1, false, 9), 1},
		"a whole answer":                  {headers(1, true, true), headers(1, false, true) + data(1, true, 9), 0},
		"trailers end it too":             {headers(1, true, true), headers(1, false, true) + headers(1, true, true), 0},
		"not the interim response":        {headers(1, true, true), headers(1, false, true), 1},
		"an answer before the request":    {headers(1, false, true), headers(1, true, true), 1},
		"an answer and a reset":           {headers(1, false, true), headers(1, true, true) + rst(1), 0},
		"a promise":                       {headers(1, true, true), promise(1, 2), 2},
		"a promise that is being kept":    {headers(1, true, true), headers(1, true, true) + promise(1, 2) + headers(2, false, true), 1},
		"a promise that is kept":          {headers(1, true, true), promise(1, 2) + headers(2, false, true) + data(2, true, 9) + headers(1, true, true), 0},
		"not those that the app refuses":  {headers(1, true, true) + headers(3, true, true), goAway(1, 0, ""), 1},
		"and then the request's end":      {headers(1, false, true) + data(1, true, 0), headers(1, true, true), 0},
		"a stream that the client resets": {headers(1, false, true) + rst(1), "", 0},
		"a stream that the app resets":    {headers(1, false, true), rst(1), 0},
		"trailers are no new stream":      {headers(1, false, true) + headers(1, true, true), headers(1, true, true), 0},
		"not before its last byte":        {headers(1, true, true), data(1, true, 100)[:60], 1},
		"not before its block has ended":  {headers(1, true, true), headers(1, true, false) + continuation(1, false), 1},
		"but with the block":              {headers(1, true, true), headers(1, true, false) + continuation(1, false) + continuation(1, true), 0},
		"a request with such a block":     {headers(1, true, false) + continuation(1, true), headers(1, true, true), 0},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Config{}, func(r *rig) {
				client, app := speaksHTTP2(r)
				client.send(test.client)
				app.wants(test.client)
				app.send(test.app)
				client.wants(test.app)
				if n := r.server.stats.inFlight.Load(); n != test.open {
					t.Errorf("%d streams are in flight, want %d", n, test.open)
				}
			})
		})
	}
}

// wantsInFlight expects this number of exchanges in flight.
func (r *rig) wantsInFlight(want int64, when string) {
	r.t.Helper()
	synctest.Wait()
	if n := r.server.stats.inFlight.Load(); n != want {
		r.t.Fatalf("%d exchanges in flight %s, want %d", n, when, want)
	}
}

// gRPC clients, for example, do not half-close a stream that the app has ended with an error.
func TestAnAnsweredStreamThatTheClientLeavesOpenIsOverWhenItIsSilent(t *testing.T) {
	inBubble(t, Config{}, func(r *rig) {
		client, app := speaksHTTP2(r)
		request := headers(1, false, true) + headers(3, false, true) + headers(5, false, true)
		client.send(request)
		app.wants(request)
		app.send(headers(1, true, true))
		time.Sleep(uploadSilence / 2)
		app.send(headers(3, true, true))
		synctest.Wait()
		client.taken()
		r.wantsInFlight(3, "just after two answers")
		time.Sleep(uploadSilence/2 - 1)
		r.wantsInFlight(3, "before the first one has been silent for long enough")
		time.Sleep(1)
		r.wantsInFlight(2, "after the first one's silence")
		time.Sleep(uploadSilence)
		r.wantsInFlight(1, "after the second one's silence")
		client.send(data(1, true, 9) + rst(3)) // the app handles both
		app.wants(data(1, true, 9) + rst(3))
		r.wantsInFlight(1, "after the clients' ends of what is over")
		app.send(headers(5, true, true))
		time.Sleep(2 * uploadSilence)
		r.wantsInFlight(0, "in the end")
	})
}

func TestAnAnsweredStreamIsInFlightWhileItsUploadGoesOn(t *testing.T) {
	for name, upload := range map[string]func(client, app *peer){
		"in many frames": func(client, app *peer) {
			for range 10 {
				time.Sleep(uploadSilence - 1)
				client.send(data(1, false, 9))
				app.wants(data(1, false, 9))
			}
		},
		"in one slow frame": func(client, app *peer) {
			frame := data(1, false, 100)
			for i := range 10 {
				time.Sleep(uploadSilence - 1)
				client.send(frame[10*i : 10*i+10])
				app.taken()
			}
			client.send(frame[100:])
			app.taken()
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Config{}, func(r *rig) {
				client, app := speaksHTTP2(r)
				client.send(headers(1, false, true))
				app.wants(headers(1, false, true))
				app.send(headers(1, true, true))
				client.wants(headers(1, true, true))
				upload(client, app)
				r.wantsInFlight(1, "while the client sends")
				time.Sleep(uploadSilence)
				r.wantsInFlight(0, "when it has stopped")
			})
		})
	}
}

// drainHTTP2 begins a drain, and expects a notice and then a GOAWAY with the last stream.
func (r *rig) drainHTTP2(client *peer, last uint32) {
	r.t.Helper()
	r.server.Drain()
	time.Sleep(noticeSpread)
	client.send(pingAck(client.wantsNotice(h2.MaxStream)))
	time.Sleep(finalDelay)
	client.wants(goAway(last, 0, ""))
}

func TestAStreamThatItsClientLeavesOpenDoesNotHoldADrain(t *testing.T) {
	inBubble(t, Config{}, func(r *rig) {
		client, app := speaksHTTP2(r)
		client.send(headers(1, false, true))
		app.wants(headers(1, false, true))
		r.drainHTTP2(client, 1)
		app.send(headers(1, true, true))
		client.wants(headers(1, true, true))
		client.wantsOpen()
		time.Sleep(uploadSilence)
		client.wantsEndSoon()
		app.wantsEnd()
	})
}

func TestAPushedAnswerIsNotCutByTheFinalGoAway(t *testing.T) {
	inBubble(t, Config{}, func(r *rig) {
		client, app := speaksHTTP2(r)
		client.send(headers(1, true, true))
		app.wants(headers(1, true, true))
		app.sendSlowly(promise(1, 2))
		app.send(headers(1, true, true))
		client.taken()
		r.drainHTTP2(client, 1)
		app.send(headers(2, false, true) + data(2, false, 9))
		client.wants(headers(2, false, true) + data(2, false, 9))
		client.wantsOpen()
		app.send(data(2, true, 9))
		client.wants(data(2, true, 9))
		client.wantsEndSoon()
	})
}

// Streams after the final GOAWAY are refused by it: the client retries them elsewhere.
func TestAStreamBeyondTheFinalGoAwayIsNotWaitedFor(t *testing.T) {
	inBubble(t, Config{}, func(r *rig) {
		client, app := speaksHTTP2(r)
		client.send(headers(1, true, true))
		app.wants(headers(1, true, true))
		r.drainHTTP2(client, 1)
		client.send(headers(3, true, true))
		app.wants(headers(3, true, true))
		app.send(headers(1, true, true))
		client.wants(headers(1, true, true))
		client.wantsEndSoon()
	})
}

// wantsEndSoon waits until the server closes a connection that the client could have closed.
func (p *peer) wantsEndSoon() {
	p.t.Helper()
	p.wantsOpen()
	time.Sleep(closeDelay - time.Millisecond)
	p.wantsOpen()
	time.Sleep(time.Millisecond)
	p.wantsEnd()
}

// RFC 9113 section 6.8: a server shuts down with a GOAWAY that refuses nothing, and with a second
// one after a round trip.
func TestAnHTTP2ClientIsNotifiedInTwoSteps(t *testing.T) {
	inBubble(t, Config{}, func(r *rig) {
		client, app := speaksHTTP2(r)
		client.send(headers(1, true, true))
		app.wants(headers(1, true, true))
		r.server.Drain()
		time.Sleep(noticeSpread)
		ping := client.wantsNotice(h2.MaxStream)

		// Requests that race with the notice are served.
		client.send(headers(3, true, true) + pingAck(ping) + headers(5, true, true))
		app.wants(headers(3, true, true) + headers(5, true, true))
		time.Sleep(finalDelay)
		client.wantsOpen() // it has opened a stream since
		time.Sleep(finalDelay - time.Millisecond)
		client.wantsOpen()
		time.Sleep(time.Millisecond)
		client.wants(goAway(5, 0, ""))

		for id := uint32(1); id <= 5; id += 2 {
			time.Sleep(2 * closeDelay)
			client.wantsOpen()
			app.send(headers(id, true, true))
			client.wants(headers(id, true, true))
		}
		client.wantsEndSoon()
		app.wantsEnd()
		client.closes()
		app.closes()
		synctest.Wait()
		if n := r.server.stats.ended[http2][endedDrain].Load(); n != 1 {
			t.Errorf("%d connections count as ended by the drain, want 1", n)
		}
	})
}

func TestAQuietHTTP2ConnectionEndsWithTheFinalGoAway(t *testing.T) {
	inBubble(t, Config{}, func(r *rig) {
		client, app := speaksHTTP2(r)
		r.server.Drain()
		time.Sleep(noticeSpread)
		client.send(pingAck(client.wantsNotice(h2.MaxStream)))
		app.wantsNothing()
		time.Sleep(finalDelay)
		client.wants(goAway(0, 0, ""))
		client.wantsEndSoon()
		app.wantsEnd()
	})
}

// A client may use streams that it opened before it had processed the notice.
func TestTheFinalGoAwayWaitsForAClientThatOpensStreams(t *testing.T) {
	inBubble(t, Config{}, func(r *rig) {
		client, app := speaksHTTP2(r)
		r.server.Drain()
		time.Sleep(noticeSpread)
		client.send(pingAck(client.wantsNotice(h2.MaxStream)))
		var last uint32
		for t := time.Duration(0); t < finalLimit; t += finalDelay {
			client.wantsOpen()
			last += 2
			client.send(headers(last-1, true, true))
			app.wants(headers(last-1, true, true))
			app.send(headers(last-1, true, true))
			client.wants(headers(last-1, true, true))
			time.Sleep(finalDelay)
		}
		client.wants(goAway(last-1, 0, "")) // it ignores notices
		client.wantsEndSoon()
	})
}

// A client closes the connection itself after a GOAWAY. Some take a FIN right after a response
// for a truncated one.
func TestAnHTTP2ClientMayCloseTheConnectionItself(t *testing.T) {
	inBubble(t, Config{}, func(r *rig) {
		client, app := speaksHTTP2(r)
		client.send(headers(1, true, true))
		app.wants(headers(1, true, true))
		r.drainHTTP2(client, 1)
		app.send(headers(1, true, true))
		client.wants(headers(1, true, true))
		client.wantsOpen()
		r.wantsInFlight(0, "when it has been answered")
		client.closes()
		app.wantsEnd()
		app.closes()
		r.wantsNoConnections()
	})
}

// It may not have received the notice yet, which waits behind megabytes on a slow line. Streams
// that it opens meanwhile are relayed, and must not be refused afterwards.
func TestNothingIsRefusedOfAClientThatHasNotAnsweredThePing(t *testing.T) {
	inBubble(t, Config{}, func(r *rig) {
		client, _ := speaksHTTP2(r)
		r.server.Drain()
		time.Sleep(noticeSpread)
		client.wantsNotice(h2.MaxStream)
		time.Sleep(time.Hour)
		client.wantsOpen()
		r.server.CloseIdle() // the end of the hold
		client.wantsEnd()
	})
}

func TestPingsOfTheAppAreAnsweredToTheApp(t *testing.T) {
	inBubble(t, Config{}, func(r *rig) {
		client, app := speaksHTTP2(r)
		r.server.Drain()
		time.Sleep(noticeSpread)
		ping := client.wantsNotice(h2.MaxStream)
		client.send(pingAck([8]byte{7}))
		app.wants(pingAck([8]byte{7}))
		client.send(pingAck(ping))
		app.wantsNothing()
		client.send(pingAck(ping)) // once more: this one is not an answer to ours
		app.wants(pingAck(ping))
	})
}

// RFC 9113 section 6.10: no other frame may stand between HEADERS and its last CONTINUATION, and
// none within another.
func TestI4NoFrameOfOursWithinAnother(t *testing.T) {
	for name, test := range map[string]struct{ before, rest string }{
		"within a header":               {data(1, false, 100)[:5], data(1, false, 100)[5:]},
		"within a payload":              {data(1, false, 100)[:50], data(1, false, 100)[50:]},
		"before a CONTINUATION":         {headers(1, false, false), continuation(1, true)},
		"between CONTINUATIONs":         {headers(1, false, false) + continuation(1, false), continuation(1, true)},
		"within a CONTINUATION's bytes": {headers(1, false, false) + continuation(1, true)[:10], continuation(1, true)[10:]},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Config{}, func(r *rig) {
				client, app := speaksHTTP2(r)
				client.send(headers(1, true, true))
				app.wants(headers(1, true, true))
				app.send(test.before)
				before := client.taken()
				r.server.Drain()
				time.Sleep(time.Minute)
				before = append(before, client.taken()...)
				app.send(test.rest)
				got := string(before) + string(client.taken())
				if theirs := withoutOurs(t, got); theirs != test.before+test.rest {
					t.Errorf("the client got, without our frames,\n%q\nwant\n%q", theirs, test.before+test.rest)
				}
				if !strings.Contains(got, notice) {
					t.Error("the client gets no notice")
				}
			})
		})
	}
}

// withoutOurs removes GOAWAY and PING frames from what a client got, and expects none within a
// field block.
func withoutOurs(t *testing.T, got string) (theirs string) {
	block := false
	for len(got) > 0 {
		h, whole := h2.ParseHeader([]byte(got))
		size := h2.HeaderSize + h.Length
		if !whole || size > len(got) {
			t.Fatalf("%q is not a frame", got)
		}
		if h.Type == h2.GoAway || h.Type == h2.Ping {
			if block {
				t.Errorf("frame %v stands within a field block", h.Type)
			}
		} else {
			theirs += got[:size]
			block = h.OpensBlock()
		}
		got = got[size:]
	}
	return theirs
}

func TestI4NothingBeforeTheAppsFirstFrame(t *testing.T) {
	inBubble(t, Config{}, func(r *rig) {
		client, app := r.connect()
		client.send(h2.Preface + settings)
		app.wants(h2.Preface + settings)
		r.server.Drain()
		time.Sleep(time.Minute)
		client.wantsNothing()
		app.send(settings)
		if got := string(client.taken()); !strings.HasPrefix(got, settings+notice) {
			t.Errorf("the client got %q, want the app's SETTINGS and then the notice", got)
		}
	})
}

// RFC 9113 section 6.8: the last stream identifier of a further GOAWAY must not be higher.
func TestI5LastStreamsNeverGrow(t *testing.T) {
	t.Run("the app's before ours", func(t *testing.T) {
		inBubble(t, Config{}, func(r *rig) {
			client, app := speaksHTTP2(r)
			client.send(headers(1, false, true) + headers(3, false, true) + headers(5, false, true))
			app.wants(headers(1, false, true) + headers(3, false, true) + headers(5, false, true))
			app.send(goAway(3, 0, "app"))
			client.wants(goAway(3, 0, "app"))
			r.server.Drain()
			time.Sleep(noticeSpread)
			client.send(pingAck(client.wantsNotice(3)))
			time.Sleep(finalDelay)
			client.wants(goAway(3, 0, ""))
		})
	})
	t.Run("the app's after ours", func(t *testing.T) {
		inBubble(t, Config{}, func(r *rig) {
			client, app := speaksHTTP2(r)
			client.send(headers(1, false, true))
			app.wants(headers(1, false, true))
			r.drainHTTP2(client, 1)
			app.sendSlowly(goAway(h2.MaxStream, 2, "shutting down"))
			client.wants(goAway(1, 2, "shutting down"))
			app.send(goAway(0, 0, ""))
			client.wants(goAway(0, 0, ""))
		})
	})
}

func TestHTTP2ConnectionsAreNotifiedOverAShortTime(t *testing.T) {
	const n = 50
	inBubble(t, Config{}, func(r *rig) {
		var clients []*peer
		for range n {
			c, _ := speaksHTTP2(r)
			clients = append(clients, c)
		}
		r.server.Drain()
		var notices []int
		for range 10 {
			time.Sleep(noticeSpread / 10)
			k := 0
			for _, c := range clients {
				if strings.HasPrefix(string(c.taken()), notice) {
					k++
				}
			}
			notices = append(notices, k)
		}
		if sum, most := total(notices), slices.Max(notices); sum != n || most > n/3 {
			t.Errorf("%v of %d got their notice in each tenth", notices, n)
		}
	})
}

func total(counts []int) (sum int) {
	for _, n := range counts {
		sum += n
	}
	return sum
}

func TestAnHTTP2ConnectionThatComesWhileDrainingLivesAWhile(t *testing.T) {
	for _, p := range []Protocol{Auto, H2C} {
		onRoute(t, p, Config{}, func(r *rig) {
			r.server.Drain()
			client, _ := speaksHTTP2(r)
			time.Sleep(newcomerStay)
			client.wantsOpen()
			time.Sleep(newcomerStay)
			client.wantsNotice(h2.MaxStream)
		})
	}
}

const (
	upgradeToHTTP2 = "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n" +
		"HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n"
	upgradedToHTTP2 = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
)

func TestAnUpgradeToHTTP2IsFollowed(t *testing.T) {
	inBubble(t, Config{}, func(r *rig) {
		client, app := r.connect()
		client.send(upgradeToHTTP2)
		app.wants(upgradeToHTTP2)
		app.send(upgradedToHTTP2 + settings)
		client.wants(upgradedToHTTP2 + settings)
		client.send(h2.Preface + settings)
		app.wants(h2.Preface + settings)
		if n := r.server.stats.inFlight.Load(); n != 1 {
			t.Errorf("%d exchanges in flight, want 1: the request is stream 1", n)
		}
		app.send(headers(1, true, true))
		client.wants(headers(1, true, true))
		if n := r.server.stats.inFlight.Load(); n != 0 {
			t.Errorf("%d in flight, want none", n)
		}
		r.drainHTTP2(client, 1)
		client.wantsEndSoon()
	})
}

func TestAnUpgradeToHTTP2DoesNotMakeAnIdleConnectionLookUnfinished(t *testing.T) {
	inBubble(t, Config{}, func(r *rig) {
		client, app := r.connect()
		client.send(upgradeToHTTP2)
		app.wants(upgradeToHTTP2)
		app.send(upgradedToHTTP2 + settings + headers(1, true, true))
		client.wants(upgradedToHTTP2 + settings + headers(1, true, true))
		client.send(h2.Preface + settings)
		app.wants(h2.Preface + settings)
		r.server.CloseIdle()
		client.wantsEnd()
	})
}

func TestAnHTTP2AppMaySpeakFirst(t *testing.T) {
	for name, send := range map[string]func(*peer, string){"at once": (*peer).send, "byte by byte": (*peer).sendSlowly} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Config{}, func(r *rig) {
				client, app := r.connect()
				send(app, settings)
				client.wants(settings)
				client.send(h2.Preface + settings + headers(1, true, true))
				app.wants(h2.Preface + settings + headers(1, true, true))
				if got, n := only(r.server).speaks(), r.server.stats.inFlight.Load(); got != http2 || n != 1 {
					t.Errorf("protocol %v with %d exchanges in flight, want http2 with 1", got, n)
				}
			})
		})
	}
}

func TestAnInvalidPrefaceIsRelayedToTheApp(t *testing.T) {
	onRoute(t, H2C, Config{}, func(r *rig) {
		client, app := r.connect()
		app.send("any")
		client.wantsNothing() // it may be a part of a frame
		client.send(get)
		app.wants(get)
		client.wants("any")
		app.send("thing")
		client.wants("thing")
		r.server.Drain()
		time.Sleep(time.Minute)
		client.wantsOpen()
	})
}

func TestI10OpenStreamsAreBounded(t *testing.T) {
	inBubble(t, Config{}, func(r *rig) {
		client, app := speaksHTTP2(r)
		go func() {
			for i := range uint32(maxStreams + 1000) {
				if _, err := fmt.Fprint(client.conn, headers(2*i+1, true, true)); err != nil {
					return
				}
			}
		}()
		for range 10 * maxStreams {
			if len(app.taken()) == 0 {
				break
			}
		}
		if n := r.server.stats.inFlight.Load(); n > maxStreams {
			t.Errorf("%d streams are open, want at most %d", n, maxStreams)
		}
		client.resets()
	})
}

func TestStreamsOfAConnectionThatBreaksAreOver(t *testing.T) {
	inBubble(t, Config{}, func(r *rig) {
		client, app := speaksHTTP2(r)
		client.send(headers(1, true, true) + headers(3, true, true))
		app.wants(headers(1, true, true) + headers(3, true, true))
		app.resets()
		client.wantsReset()
		synctest.Wait()
		if n := r.server.stats.inFlight.Load(); n != 0 {
			t.Errorf("%d in flight", n)
		}
	})
}

// If a side ends in the middle of a frame header, the other side gets the part that was sent.
func TestHalfAHeaderIsRelayedWithTheEnd(t *testing.T) {
	for name, test := range map[string]struct {
		open func(r *rig) (client, app *peer)
		half string
	}{
		"a frame of HTTP/2":                    {speaksHTTP2, data(1, true, 5)[:7]},
		"a GOAWAY that is looked into":         {speaksHTTP2, goAway(1, 0, "")[:12]},
		"a PUSH_PROMISE that is looked into":   {speaksHTTP2, promise(1, 2)[:11]},
		"a PING's answer that is looked into":  {speaksHTTP2, pingAck([8]byte{7})[:15]},
		"a frame of a WebSocket with a length": {webSocket, "\x82\x7e\x01"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Config{}, func(r *rig) {
				client, app := test.open(r)
				for _, way := range [][2]*peer{{client, app}, {app, client}} {
					way[0].send(test.half)
					way[0].ends()
					way[1].wants(test.half)
					way[1].wantsEnd()
				}
			})
		})
	}
}
