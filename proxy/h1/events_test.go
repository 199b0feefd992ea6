package h1

import "testing"

func TestEvents(t *testing.T) {
	for content, between := range map[string]bool{
		"":                          true,
		"data: a\n\n":               true,
		"data: a\r\r":               true,
		"data: a\r\n\r\n":           true,
		"data: a\r\n\r":             true,
		"data: a\n":                 false,
		"data: a":                   false,
		"data: a\r\n":               false,
		"data: a\n\ndata: b\n":      false,
		"data: a\n\ndata: b\n\n":    true,
		"data: a\ndata: b\n\n":      true,
		": comment":                 false,
		": comment\n":               true,
		"data: a\n: comment\n":      false,
		"data: a\n: comment\n\n":    true,
		"\n\n\n":                    true,
		"id\n\n":                    true,
		"\ndata: a\n":               false,
		"data: a\n\r\n":             true,
		"event: x\ndata: a\r\n\r\n": true,
	} {
		body := Body{kind: UntilClose}
		var e Events
		if n, err := e.Scan(&body, []byte(content)); n != len(content) || err != nil {
			t.Errorf("%q: %d bytes, error %v", content, n, err)
		}
		if e.Between() != between {
			t.Errorf("after %q: between two events: %v, want %v", content, e.Between(), between)
		}
	}
}

func TestEventsInChunks(t *testing.T) {
	const chunks = "4\r\ndata\r\n6;x=\"y\"\r\n: a\n\r\n\r\n0\r\nA: b\r\n\r\n"
	for split := range len(chunks) + 1 {
		body := Body{kind: Chunked}
		var e Events
		for _, part := range []string{chunks[:split], chunks[split:]} {
			if n, err := e.Scan(&body, []byte(part)); n != len(part) || err != nil {
				t.Fatalf("split at %d: %d of %d bytes, error %v", split, n, len(part), err)
			}
		}
		if !e.Between() || !body.Done() {
			t.Errorf("split at %d: between two events: %v, done: %v", split, e.Between(), body.Done())
		}
	}
}

func TestScanOfEventsEndsWithTheBody(t *testing.T) {
	body := FixedBody(4)
	var e Events
	if n, err := e.Scan(&body, []byte("a\n\nbcd")); n != 4 || err != nil || !body.Done() || e.Between() {
		t.Errorf("%d bytes, error %v, done %v, between %v", n, err, body.Done(), e.Between())
	}
}

func TestBetween(t *testing.T) {
	for scanned, want := range map[string]bool{
		"": true, "1": false, "1\r\n": false, "1\r\na": false, "1\r\na\r": false, "1\r\na\r\n": true, "0\r\n": false,
	} {
		body := Body{kind: Chunked}
		if _, err := body.Scan([]byte(scanned)); err != nil {
			t.Fatal(err)
		}
		if got := body.Between(); got != want {
			t.Errorf("after %q: %v, want %v", scanned, got, want)
		}
	}
	for kind, want := range map[Kind]bool{None: false, Fixed: false, UntilClose: true, Tunnel: false} {
		body := Body{kind: kind, left: 1}
		if got := body.Between(); got != want {
			t.Errorf("kind %d: %v, want %v", kind, got, want)
		}
	}
}

func TestWhatIsAnEventStream(t *testing.T) {
	for fields, want := range map[string]bool{
		"Content-Type: text/event-stream":                               true,
		"content-type:TEXT/Event-Stream ; charset=utf-8":                true,
		"Content-Type: text/event-streams":                              false,
		"Content-Type: text/plain":                                      false,
		"Content-Encoding: gzip\r\nContent-Type: text/event-stream":     false,
		"X-Content-Typ: text/event-stream":                              false,
		"Transfer-Encoding: chunked\r\nContent-Type: text/event-stream": true,
	} {
		r, err := ParseResponse([]byte("HTTP/1.1 200 OK\r\n"+fields+"\r\n\r\n"), Other)
		if err != nil || r.EventStream != want {
			t.Errorf("%q: %v, error %v; want %v", fields, r.EventStream, err, want)
		}
	}
}

// The cases are those of Accept (RFC 9110 section 12.5.1) that a client may send.
func TestWhatAnEventSourceAsks(t *testing.T) {
	for head, want := range map[string]bool{
		"GET / HTTP/1.1\r\nAccept: text/event-stream":                               true,
		"GET / HTTP/1.0\r\naccept:TEXT/Event-Stream":                                true,
		"GET / HTTP/1.1\r\nAccept: text/event-stream; charset=utf-8; q=0.001":       true,
		"GET / HTTP/1.1\r\nAccept: application/json,text/event-stream ,*/*":         true,
		"GET / HTTP/1.1\r\nAccept: a/b\r\nHost: a\r\nAccept: text/event-stream":     true,
		"GET / HTTP/1.1\r\nAccept: text/event-stream\r\nAccept: a/b":                true,
		"GET / HTTP/1.1\r\nAccept: a/b;c=\"d,e\", text/event-stream":                true,
		"GET / HTTP/1.1\r\nAccept: text/event-stream\r\nLast-Event-ID: 7":           true,
		"GET / HTTP/1.1\r\nAccept: text/event-stream\r\nContent-Length: 0":          true,
		"GET / HTTP/1.1\r\nAccept: text/event-stream\r\nContent-Length: 1":          false,
		"GET / HTTP/1.1\r\nAccept: text/event-stream\r\nTransfer-Encoding: chunked": false,
		"POST / HTTP/1.1\r\nAccept: text/event-stream":                              false,
		"HEAD / HTTP/1.1\r\nAccept: text/event-stream":                              false,
		"get / HTTP/1.1\r\nAccept: text/event-stream":                               false,
		"GET / HTTP/1.1\r\nLast-Event-ID: 7":                                        false,
		"GET / HTTP/1.1\r\nAccept: */*":                                             false,
		"GET / HTTP/1.1\r\nAccept: text/*":                                          false,
		"GET / HTTP/1.1\r\nAccept: text/event-streams":                              false,
		"GET / HTTP/1.1\r\nAccept: text/event-stream;q=0":                           false,
		"GET / HTTP/1.1\r\nAccept: text/event-stream; x=y ; Q=0.000 ":               false,
		"GET / HTTP/1.1\r\nAccept: a/b;c=\"d, text/event-stream, e\"":               false,
		"GET / HTTP/1.1\r\nAccept: a/b;c=\"d\\\", text/event-stream, e\"":           false,
		"GET / HTTP/1.1\r\nAccept: a/b;c=\"text/event-stream":                       false,
		"GET / HTTP/1.1\r\nAccepts: text/event-stream\r\nAccep: text/event-stream":  false,
		"GET / HTTP/1.1\r\nOrigin: text/event-stream\r\nAccept:\r\nX: ,;q=\"\\":     false,
		"OPTIONS / HTTP/1.1\r\nAccept: text/event-stream":                           false,
		"GET / HTTP/1.1\r\nContent-Type: text/event-stream\r\nAccept: ,;,\"":        false,
	} {
		r, err := ParseRequest([]byte(head + "\r\n\r\n"))
		if err != nil || r.EventSource != want {
			t.Errorf("%q: %v, error %v; want %v", head, r.EventSource, err, want)
		}
	}
}

func TestWhatASwitchLeadsTo(t *testing.T) {
	r, err := ParseResponse([]byte("HTTP/1.1 101 x\r\nUpgrade:  WebSocket \r\n\r\n"), Other)
	if err != nil || !r.Upgrade("websocket") || r.Upgrade("h2c") {
		t.Errorf("upgrade to websocket: %v, to h2c: %v, error %v", r.Upgrade("websocket"), r.Upgrade("h2c"), err)
	}
}
