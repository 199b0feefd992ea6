package proxy

import (
	"testing"
	"time"
)

// Some clients send the first bytes of the new protocol right behind the request, and some apps
// answer only after these.
func TestBytesBehindARequestThatMaySwitchPassAtOnce(t *testing.T) {
	for name, request := range map[string]string{
		"CONNECT": "CONNECT b:443 HTTP/1.1\r\n\r\n",
		"Upgrade": "GET / HTTP/1.1\r\nUpgrade: x\r\n\r\n",
	} {
		for _, draining := range []bool{false, true} {
			for what, pieces := range map[string][]string{
				"a ClientHello": {"\x16\x03\x01", "\x00\x05hello"},
				"text":          {"h", "ello", "\r\n", "GET it\r\n"},
				"a preface":     {"PRI * HT", "TP/2.0\r\n\r\nSM\r\n\r\n"},
			} {
				t.Run(name+", "+what, func(t *testing.T) {
					inBubble(t, Config{}, func(r *rig) {
						if draining {
							r.server.Drain()
						}
						client, app := r.connect()
						client.send(request + pieces[0])
						app.wants(request + pieces[0])
						for _, piece := range pieces[1:] {
							client.send(piece)
							app.wants(piece)
						}
						app.send("HTTP/1.1 101 Switching Protocols\r\n\r\nwelcome")
						client.wants("HTTP/1.1 101 Switching Protocols\r\n\r\nwelcome")
						client.send(get)
						app.wants(get)
						client.ends()
						app.wantsEnd()
					})
				})
			}
		}
	}
}

func TestAWebSocketIsFollowedFromTheBytesBehindItsRequestOn(t *testing.T) {
	for _, early := range []string{maskedText[:1], maskedText[:8], maskedText, maskedText + maskedFirst + maskedLast[:2]} {
		inBubble(t, Config{}, func(r *rig) {
			client, app := r.connect()
			client.send(upgrade + early)
			app.wants(upgrade + early)
			app.send(upgraded101)
			client.wants(upgraded101)
			rest := (maskedText + maskedFirst + maskedLast)[len(early):]
			client.send(rest)
			app.wants(rest)
			r.server.Drain()
			time.Sleep(time.Second)
			client.wants(goingAway)
			client.send(maskedNormal)
			app.wants(maskedNormal)
			app.closes()
			client.wantsEnd()
		})
	}
}

// The app decides what it makes of them if it does not switch.
func TestBytesBehindARequestThatDoesNotSwitchAreUnframed(t *testing.T) {
	inBubble(t, Config{}, func(r *rig) {
		client, app := r.connect()
		client.send(upgrade + maskedText)
		app.wants(upgrade + maskedText)
		app.send(ok)
		client.wants(ok)
		client.send(get)
		app.wants(get)
		app.send(ok)
		client.wants(ok)
		client.wantsOpen()
		time.Sleep(unframedQuiet)
		wantsInFlight(r, 0)
	})
	inBubble(t, Config{}, func(r *rig) {
		r.server.Drain()
		client, app := r.connect()
		client.send(upgrade + maskedText)
		app.wants(upgrade + maskedText)
		head := len(ok) - len("ok")
		app.send(ok[:head])
		client.wants(okClose[:len(okClose)-len("ok")])
		app.send(ok[head:])
		client.wants("ok")
		client.wantsEnd()
	})
}

// A request after the last response of a drain would be lost.
func TestARequestBehindOneThatMaySwitchWaitsForTheDecision(t *testing.T) {
	for name, pieces := range map[string]struct{ first, second string }{
		"whole":     {"", get},
		"in pieces": {get[:7], get[7:]},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Config{}, func(r *rig) {
				client, app := r.connect()
				client.send(upgrade + pieces.first)
				app.wants(upgrade + pieces.first)
				client.send(pieces.second)
				app.wantsNothing()
				app.send(ok)
				client.wants(ok)
				app.wants(pieces.second)
				app.send(ok)
				client.wants(ok)
			})
		})
		t.Run(name+", draining", func(t *testing.T) {
			inBubble(t, Config{}, func(r *rig) {
				r.server.Drain()
				client, app := r.connect()
				client.send(upgrade + pieces.first)
				app.wants(upgrade + pieces.first)
				client.send(pieces.second)
				app.send(ok)
				client.wants(okClose)
				app.wantsNothing()
				client.wantsEnd()
			})
		})
	}
}
