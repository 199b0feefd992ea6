package proxy

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestSeenReportsHowManyRequestsTheAppHasNotAnswered(t *testing.T) {
	const half = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"
	for name, test := range map[string]struct {
		client, app string // what they send before the end
		end         func(client, app *peer)
		want        uint64
	}{
		"a request under way":                {get, "", resetByApp, 1},
		"one that the app ends with a FIN":   {get, "", func(_, app *peer) { app.closes() }, 1},
		"two":                                {get + get, "", resetByApp, 2},
		"the second of two":                  {get + get, ok, resetByApp, 1},
		"one whose answer is cut short":      {get, half, resetByApp, 1},
		"one whose answer is cut with a FIN": {get, half, func(_, app *peer) { app.closes() }, 1},
		"none before a request":              {"", "", resetByApp, 0},
		"none after an answer":               {get, ok, resetByApp, 0},
		"none after one that the end ends":   {get, "HTTP/1.1 200 OK\r\n\r\nall of it", func(_, app *peer) { app.closes() }, 0},
		"no health probe":                    {probe, "", resetByApp, 0},
		"none that the client has left":      {get, "", func(client, app *peer) { client.closes(); synctest.Wait(); app.closes() }, 0},
		"none that the client leaves":        {get, half, func(client, app *peer) { client.closes(); synctest.Wait(); app.closes() }, 0},
		"none that the client has reset":     {get, half, func(client, app *peer) { client.resets(); synctest.Wait(); app.closes() }, 0},
		"none that is refused in the middle": {"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", half, func(client, app *peer) { client.send("no chunk\r\n") }, 0},
		"no tunnel":                          {"GET / HTTP/1.1\r\nUpgrade: x\r\n\r\n", "HTTP/1.1 101 Switching Protocols\r\n\r\n", resetByApp, 0},
		"an upgrade that is not answered":    {"GET / HTTP/1.1\r\nUpgrade: x\r\n\r\n", "", resetByApp, 1},
		"no TCP":                             {"SSH-2.0-x\r\n", "", resetByApp, 0},
	} {
		for when, early := range map[string]bool{"of a request in the drain": true, "of one from before it": false} {
			t.Run(name+", "+when, func(t *testing.T) {
				inBubble(t, Config{ProbeAgents: DefaultProbeAgents}, func(r *rig) {
					client, app := r.connect()
					if early {
						r.server.Drain()
					}
					client.send(test.client)
					app.wants(test.client)
					app.send(test.app)
					synctest.Wait()
					r.server.Drain()
					test.end(client, app)
					synctest.Wait()
					r.expectUnanswered(test.want)
				})
			})
		}
	}
}

func resetByApp(_, app *peer) { app.resets() }

func (r *rig) expectUnanswered(want uint64) {
	r.t.Helper()
	if n := r.server.DrainStats().Unanswered; n != want {
		r.t.Errorf("%d exchanges reported as not answered by the app, want %d", n, want)
	}
}

func TestUnansweredRequestsFromBeforeTheDrainAreNotInItsSummary(t *testing.T) {
	inBubble(t, Config{}, func(r *rig) {
		client, app := r.connect()
		client.send(get)
		app.wants(get)
		app.resets()
		synctest.Wait()
		r.server.Drain()
		r.expectUnanswered(0)
	})
}

func TestExchangesThatAreCutDoNotCountAsUnansweredByTheApp(t *testing.T) {
	inBubble(t, Config{}, func(r *rig) {
		client, app := r.connect()
		client.send(get)
		app.wants(get)
		r.server.Drain()
		r.server.Cut()
		app.closes()
		synctest.Wait()
		r.expectUnanswered(0)
	})
	t.Run("even if the app ends in the same moment", func(t *testing.T) {
		s := New(Config{})
		s.Drain()
		for e, want := range map[ending]uint64{endedOpen: 1, endedDrain: 1, endedCut: 0, endedRefused: 0} {
			before := s.stats.drainUnanswered.Load()
			client, _ := memPipe(memAddr)
			c := s.newConn(&route{Route: Route{Protocol: HTTP1}}, client)
			c.life.ending = e
			c.ledger.push(exchange{})
			closer{c}.countUnanswered()
			if n := s.stats.drainUnanswered.Load() - before; n != want {
				t.Errorf("%d exchanges are not answered on a connection that ended by %v, want %d", n, e, want)
			}
		}
	})
}

func TestStreamsThatTheAppHasNotAnsweredAreReported(t *testing.T) {
	for name, test := range map[string]struct {
		client, app string
		want        uint64
	}{
		"those under way":                    {headers(1, true, true) + headers(3, false, true), headers(1, false, true), 2},
		"none that is answered":              {headers(1, false, true), headers(1, false, true) + data(1, true, 9), 0},
		"none that the app's GOAWAY refuses": {headers(1, true, true) + headers(3, true, true), goAway(1, 0, ""), 1},
		"none that one of the two has reset": {headers(1, true, true) + headers(3, false, true) + rst(3), rst(1), 0},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Config{}, func(r *rig) {
				client, app := speaksHTTP2(r)
				client.send(test.client)
				app.wants(test.client)
				app.send(test.app)
				client.wants(test.app)
				r.server.Drain()
				time.Sleep(noticeSpread) // the client was asked to disconnect, and continues
				client.available()
				app.resets()
				synctest.Wait()
				r.expectUnanswered(test.want)
			})
		})
	}
}
