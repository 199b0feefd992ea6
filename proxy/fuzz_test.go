package proxy

import (
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"

	"lameduck/proxy/h1"
)

// FuzzRelayRequests sends any bytes to the app in any pieces. The app gets what was sent, or the
// beginning of it if the rest is refused.
func FuzzRelayRequests(f *testing.F) {
	for _, steps := range conversations {
		f.Add(sentBy(fromClient, steps), uint64(1))
	}
	f.Add("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", uint64(2))
	f.Fuzz(func(t *testing.T, sent string, split uint64) {
		if len(sent) > memBuffer {
			return
		}
		onRoute(t, HTTP1, Config{}, func(r *rig) {
			client, app := r.connect()
			client.sendInPieces(sent, split)
			client.ends()
			synctest.Wait()
			got := string(app.available())
			if want, exact := passed(sent); !strings.HasPrefix(want, got) || exact && got != want {
				t.Fatalf("the app got\n%q\nwant\n%q", got, want)
			}
		})
	})
}

// passed returns the bytes that the app must get of the requests of a client that sends no more.
// exact is false if it may get less: a body may be refused in the middle, or the rest may wait for
// answers.
func passed(sent string) (want string, exact bool) {
	b, done := []byte(sent), 0
	for n := 0; ; n++ {
		done += h1.EmptyLines(b[done:])
		req, err := h1.ParseRequest(b[done:])
		switch {
		case err == h1.ErrStartLine && n > 0:
			return sent, false // it may be content of the request before it
		case err != nil && h1.HeadEnd(b[done:], 0) == 0:
			return sent, false // refused if it came in one piece, otherwise an incomplete head like any other
		case err != nil:
			return sent[:done], true
		case req.Size == 0:
			return sent, true // an incomplete head
		case n == maxOutstanding || req.Switches():
			return sent, false
		}
		k, err := req.Body.Scan(b[done+req.Size:])
		done += req.Size + k
		if err != nil {
			return sent[:done], false
		}
	}
}

// FuzzRelayResponses makes the app send any bytes in any pieces, draining or not. The client gets
// what the app has sent, with the close option where it belongs, or our 502.
func FuzzRelayResponses(f *testing.F) {
	for _, steps := range conversations {
		said := sentBy(fromApp, steps)
		f.Add(said, uint64(1), true)
		f.Add(said, uint64(2), false)
		f.Add(said[:len(said)/2], uint64(3), true)
	}
	f.Fuzz(func(t *testing.T, sent string, split uint64, drain bool) {
		if len(sent) > memBuffer-answerRoom {
			return
		}
		want, refused := relayed(sent, drain)
		onRoute(t, HTTP1, Config{KeepEventStreams: true}, func(r *rig) {
			client, app := r.connect()
			client.send(get)
			app.wants(get)
			if drain {
				r.server.Drain()
			}
			app.sendInPieces(sent, split)
			app.ends()
			synctest.Wait()
			got := string(client.available())
			if refused {
				got, _, _ = strings.Cut(got, string(answerBadGateway))
				if !strings.HasPrefix(want, got) {
					t.Fatalf("the client got\n%q\nwant a prefix of\n%q", got, want)
				}
				return
			}
			if got != want {
				t.Fatalf("the client got\n%q\nwant\n%q", got, want)
			}
		})
	})
}

// answerRoom is the most that an answer of ours and the close option take of a client's buffer.
const answerRoom = 200

// relayed returns the bytes that the client must get of a response to get. refused reports whether
// a part of it is not relayed.
func relayed(sent string, drain bool) (want string, refused bool) {
	b, done := []byte(sent), 0
	for {
		done += h1.EmptyLines(b[done:])
		resp, err := h1.ParseResponse(b[done:], h1.Other)
		switch {
		case err != nil || resp.Status == 101:
			return string(b[:done]), true
		case resp.Size == 0:
			return sent, false // a part of a head is relayed when the app closes
		case !resp.Interim():
			return string(b[:done]) + relayedFinal(b[done:], resp, drain), badBody(b[done:], resp)
		}
		done += resp.Size
	}
}

func relayedFinal(b []byte, resp h1.Response, drain bool) string {
	if !drain {
		return string(b) // bytes after the message are unsolicited, and relayed
	}
	n, _ := resp.Body.Scan(b[resp.Size:])
	return string(h1.AppendCloseOption(nil, b[:resp.Size])) + string(b[resp.Size:resp.Size+n])
}

func badBody(b []byte, resp h1.Response) bool {
	_, err := resp.Body.Scan(b[resp.Size:])
	return err != nil
}

// sentBy returns everything that one side sends.
func sentBy(from direction, steps []step) string {
	var said strings.Builder
	for _, s := range steps {
		if s.from == from {
			said.WriteString(s.says)
		}
	}
	return said.String()
}

// sendInPieces sends pieces of random sizes, and waits until some of them are relayed before the
// next.
func (p *peer) sendInPieces(s string, split uint64) {
	random := rand.New(rand.NewPCG(split, 0))
	for len(s) > 0 {
		n := 1 + random.IntN(min(len(s), 1+random.IntN(40)))
		if _, err := p.conn.Write([]byte(s[:n])); err != nil {
			return // refused in the meantime
		}
		s = s[n:]
		if random.IntN(2) == 0 {
			synctest.Wait()
		}
	}
}
