package proxy

import (
	"strings"
	"testing"
	"time"

	"lameduck/proxy/h2"
	"lameduck/proxy/ws"
)

// FuzzRelayFrames makes an HTTP/2 app send any bytes in any pieces, with a drain in the middle. The
// client gets what the app has sent, and the notice once, between two frames and not within a field
// block.
func FuzzRelayFrames(f *testing.F) {
	f.Add(headers(1, false, true)+data(1, true, 5), uint16(3), uint64(1))
	f.Add(headers(1, false, false)+continuation(1, true)+goAway(1, 0, "x"), uint16(12), uint64(2))
	f.Add(data(1, false, 50)+"\x00\x00\x01\x77", uint16(0), uint64(3))
	f.Fuzz(func(t *testing.T, sent string, at uint16, split uint64) {
		if len(sent) > memBuffer-2*h2.GoAwaySize {
			return
		}
		half := min(int(at), len(sent))
		inBubble(t, Config{}, func(r *rig) {
			client, app := speaksHTTP2(r)
			app.sendInPieces(sent[:half], split)
			client.t.Helper()
			got := string(client.taken())
			r.server.Drain()
			time.Sleep(noticeSpread)
			got += string(client.taken())
			app.sendInPieces(sent[half:], split)
			app.ends()
			got += string(client.taken())
			wantsFrames(t, got, sent)
		})
	})
}

// wantsFrames expects got to be sent with the notice inserted where it may stand, or without it
// where there is no such place.
func wantsFrames(t *testing.T, got, sent string) {
	t.Helper()
	if got == sent {
		return
	}
	for i := range got {
		rest, ok := cutNotice(got[i:])
		if ok && betweenFrames(got[:i]) && got[:i]+rest == lowered(sent, i) {
			return
		}
	}
	t.Fatalf("the client got\n%q\nof\n%q", got, sent)
}

// cutNotice removes a GOAWAY without an error and a PING from the start of b.
func cutNotice(b string) (rest string, ok bool) {
	const size = h2.GoAwaySize + h2.PingSize
	if len(b) < size {
		return "", false
	}
	want := string(h2.AppendGoAway(nil, h2.LastStream([]byte(b)))) + string(h2.AppendPing(nil, [8]byte{}))
	return b[size:], b[:size-8] == want[:size-8]
}

// lowered returns the app's frames as seen by a client that gets its notice after the first n
// bytes: from then on no last stream is higher than one before.
func lowered(frames string, n int) string {
	b, lowest := []byte(frames), uint32(h2.MaxStream)
	for at := 0; at < len(b); {
		h, ok := h2.ParseHeader(b[at:])
		if !ok {
			break
		}
		if h.Type == h2.GoAway && h.Length >= 8 && len(b)-at >= h2.GoAwaySize {
			if last := h2.LastStream(b[at:]); last <= lowest {
				lowest = last
			} else if at >= n {
				h2.SetLastStream(b[at:], lowest)
			}
		}
		at += h2.HeaderSize + h.Length
	}
	return string(b)
}

// betweenFrames reports whether another frame may follow these bytes.
func betweenFrames(b string) bool {
	block := false
	for len(b) > 0 {
		h, ok := h2.ParseHeader([]byte(b))
		if !ok || h2.HeaderSize+h.Length > len(b) {
			return false
		}
		block = h.OpensBlock()
		b = b[h2.HeaderSize+h.Length:]
	}
	return !block
}

// FuzzRelayMessages makes a WebSocket app send any bytes in any pieces, with a drain in the middle.
// The client gets what the app has sent, up to a close frame of ours between two messages, if there
// is one.
func FuzzRelayMessages(f *testing.F) {
	f.Add(text+firstPart+pong+lastPart, uint16(3), uint64(1))
	f.Add("\x82\x7e\x01\x00"+strings.Repeat("x", 256)+text, uint16(100), uint64(2))
	f.Add(text+normal+text, uint16(5), uint64(3))
	f.Fuzz(func(t *testing.T, sent string, at uint16, split uint64) {
		if len(sent) > memBuffer-len(goingAway) {
			return
		}
		half := min(int(at), len(sent))
		inBubble(t, Config{}, func(r *rig) {
			client, app := webSocket(r)
			app.sendInPieces(sent[:half], split)
			got := string(client.taken())
			r.server.Drain()
			time.Sleep(time.Second)
			got += string(client.taken())
			app.sendInPieces(sent[half:], split)
			app.ends()
			got += string(client.taken())
			whole, closed := strings.CutSuffix(got, goingAway)
			switch {
			case closed && strings.HasPrefix(sent, whole) && betweenMessages(whole):
			case got == sent:
			default:
				t.Fatalf("the client got\n%q\nof\n%q", got, sent)
			}
		})
	})
}

// betweenMessages reports whether no message is under way after these frames.
func betweenMessages(b string) bool {
	var m ws.Messages
	for len(b) > 0 {
		h, err := ws.ParseHeader([]byte(b))
		if err != nil || h.Size == 0 || h.Length > int64(len(b)-h.Size) {
			return false
		}
		m.Next(h)
		b = b[h.Size+int(h.Length):]
	}
	return m.Between()
}

// FuzzRelayRequestFrames expects that all bytes of the client are relayed, however its requests are
// parsed. The rig expects that nothing is in flight at the end.
func FuzzRelayRequestFrames(f *testing.F) {
	checker := newH2Client()
	check := checker.next("/", agent, "Envoy/HC") + checker.next("/", agent, "Envoy/HC")
	f.Add(check+rst(1)+checker.next("/x", "via", "2 a"), uint64(1))
	f.Add(check[:20]+headers(3, false, false)+continuation(3, true), uint64(2))
	f.Add(requestFrame(1, "/lb")+data(1, true, 9)+requestFrame(1, "/lb"), uint64(0))
	f.Fuzz(func(t *testing.T, sent string, split uint64) {
		if len(sent) > memBuffer {
			return
		}
		config := Config{ProbeAgents: DefaultProbeAgents, HealthPaths: []string{"/lb"}}
		inBubble(t, config, func(r *rig) {
			client, app := speaksHTTP2(r)
			client.sendInPieces(sent, split)
			client.ends()
			if got := string(app.taken()); got != sent {
				t.Fatalf("the app got\n%q\nof\n%q", got, sent)
			}
		})
	})
}
