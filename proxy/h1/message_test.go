package h1_test

import (
	"testing"

	"lameduck/proxy/h1"
)

var requestLines = []framingCase{
	{name: "RFC 9112 s.3: method, target and version", head: head("GET /a?b=c HTTP/1.1"), want: noBody},
	{name: "RFC 9112 s.3: HTTP/1.0", head: head("GET / HTTP/1.0"), want: noBody},
	{name: "RFC 9112 s.3: ends in a lone LF", head: "GET / HTTP/1.1\n\n", want: noBody},
	{name: "RFC 9112 s.3: two spaces before the target", head: head("GET  / HTTP/1.1", "Content-Length: 3"), want: length(3)},
	{name: "RFC 9112 s.3: two spaces before the version", head: head("GET /  HTTP/1.1", "Transfer-Encoding: chunked"), want: chunked},
	{name: "RFC 9112 s.3: a space at the end", head: head("GET / HTTP/1.1 ", "Transfer-Encoding: chunked"), want: chunked},
	{name: "RFC 9112 s.3: a space at the start", head: head(" GET / HTTP/1.1"), want: refused(h1.ErrStartLine)},
	{name: "RFC 9112 s.3: a space within the target", head: head("GET /a b HTTP/1.1", "Content-Length: 3"), want: length(3)},
	{name: "RFC 9112 s.3: more words than three, and chunked", head: head("GET /a HTTP/1.0 HTTP/1.1", "Transfer-Encoding: chunked"), want: refused(h1.ErrTransferEncoding)},
	{name: "RFC 9112 s.3: words behind the version", head: head("GET / HTTP/1.1 x"), want: refused(h1.ErrStartLine)},
	{name: "RFC 9112 s.3: a tab within the target", head: head("GET /a\tb HTTP/1.1"), want: refused(h1.ErrStartLine)},
	{name: "RFC 9112 s.3: tabs for spaces", head: head("GET\t/\tHTTP/1.1"), want: refused(h1.ErrStartLine)},
	{name: "RFC 9112 s.3: a bare CR for a space", head: head("GET\r/ HTTP/1.1"), want: refused(h1.ErrStartLine)},
	{name: "RFC 9112 s.3: a bare CR within the target", head: head("GET /\rHTTP/1.1 HTTP/1.1"), want: refused(h1.ErrStartLine)},
	{name: "RFC 9112 s.3: a bare CR at the end", head: head("GET / HTTP/1.1\r"), want: refused(h1.ErrStartLine)},
	{name: "RFC 9112 s.3: NUL within the target", head: head("GET /\x00 HTTP/1.1"), want: refused(h1.ErrStartLine)},
	{name: "RFC 9112 s.3: NUL at the end", head: head("GET / HTTP/1.1\x00"), want: refused(h1.ErrStartLine)},
	{name: "RFC 9112 s.3: DEL within the target", head: head("GET /\x7f HTTP/1.1"), want: refused(h1.ErrStartLine)},
	{name: "RFC 9112 s.3.1: no method", head: head(" / HTTP/1.1"), want: refused(h1.ErrStartLine)},
	{name: "RFC 9112 s.3.1: a method that is no token", head: head("G(T / HTTP/1.1"), want: refused(h1.ErrStartLine)},
	{name: "RFC 9112 s.3.1: a method of our own", head: head("X-Y! / HTTP/1.1"), want: noBody},
	{name: "RFC 9112 s.3.2: no target", head: head("GET HTTP/1.1"), want: refused(h1.ErrStartLine)},
	{name: "RFC 9112 s.3.2: an empty target", head: head("GET  HTTP/1.1"), want: refused(h1.ErrStartLine)},
	{name: "RFC 9112 s.3.2: bytes above ASCII, which apps take", head: head("GET /\xc3\xa4 HTTP/1.1"), want: noBody},
	{name: "RFC 9112 s.3: HTTP/0.9", head: head("GET /"), want: refused(h1.ErrStartLine)},
	{name: "RFC 9112 s.2.3: HTTP/2.0", head: head("PRI * HTTP/2.0"), want: refused(h1.ErrVersion)},
	{name: "RFC 9112 s.2.3: HTTP/1.2 is read as 1.1", head: head("GET / HTTP/1.2", "Transfer-Encoding: chunked"), want: chunked},
	{name: "RFC 9112 s.2.3: HTTP/1.10", head: head("GET / HTTP/1.10", "Content-Length: 3"), want: length(3)},
	{name: "RFC 9112 s.2.3: HTTP/01.1", head: head("GET / HTTP/01.1"), want: noBody},
	{name: "RFC 9112 s.6.1: chunked in HTTP/1.10", head: head("GET / HTTP/1.10", "Transfer-Encoding: chunked"), want: refused(h1.ErrTransferEncoding)},
	{name: "RFC 9112 s.6.1: chunked in HTTP/2.0", head: head("GET / HTTP/2.0", "Transfer-Encoding: chunked"), want: refused(h1.ErrTransferEncoding)},
	{name: "RFC 9112 s.2.3: HTTP/3", head: head("GET / HTTP/3", "Content-Length: 3"), want: length(3)},
	{name: "RFC 9112 s.2.3: no number", head: head("GET / HTTP/"), want: noBody},
	{name: "RFC 9112 s.2.3: a control in the version", head: head("GET / HTTP/1.1\x0b"), want: refused(h1.ErrStartLine)},
	{name: "RFC 9112 s.2.3: the name is case-sensitive", head: head("GET / http/1.1"), want: refused(h1.ErrStartLine)},
	{name: "RFC 9112 s.2.3: another protocol", head: head("OPTIONS rtsp://a RTSP/1.0"), want: refused(h1.ErrStartLine)},
	{name: "bytes of a TLS hello", head: head("\x16\x03\x01\x02\x00\x01"), want: refused(h1.ErrStartLine)},
}

func TestRequestLine(t *testing.T) { testRequests(t, requestLines) }

var statusLines = []framingCase{
	{name: "RFC 9112 s.4: version, code and phrase", head: head("HTTP/1.1 404 Not Found", "Content-Length: 3"), want: length(3)},
	{name: "RFC 9112 s.4: HTTP/1.0", head: head("HTTP/1.0 200 OK"), want: untilClose},
	{name: "RFC 9112 s.4: an empty phrase", head: head("HTTP/1.1 200 "), want: untilClose},
	{name: "RFC 9112 s.4: no phrase and no space, as servers send it", head: head("HTTP/1.1 200"), want: untilClose},
	{name: "RFC 9112 s.4: ends in a lone LF", head: "HTTP/1.1 200 OK\n\n", want: untilClose},
	{name: "RFC 9112 s.4: obs-text and tab in the phrase", head: head("HTTP/1.1 200 \xe4\tb"), want: untilClose},
	{name: "RFC 9112 s.4: no code", head: head("HTTP/1.1"), want: refused(h1.ErrStartLine)},
	{name: "RFC 9112 s.4: an empty code", head: head("HTTP/1.1 "), want: refused(h1.ErrStartLine)},
	{name: "RFC 9112 s.4: two digits", head: head("HTTP/1.1 20 OK"), want: refused(h1.ErrStartLine)},
	{name: "RFC 9112 s.4: four digits", head: head("HTTP/1.1 2000 OK"), want: refused(h1.ErrStartLine)},
	{name: "RFC 9112 s.4: four digits and no phrase", head: head("HTTP/1.1 2000"), want: refused(h1.ErrStartLine)},
	{name: "RFC 9112 s.4: a sign", head: head("HTTP/1.1 +20 OK"), want: refused(h1.ErrStartLine)},
	{name: "RFC 9112 s.4: a letter", head: head("HTTP/1.1 2O0 OK"), want: refused(h1.ErrStartLine)},
	{name: "RFC 9112 s.4: two spaces before the code", head: head("HTTP/1.1  204 OK"), want: noBody},
	{name: "RFC 9112 s.4: a tab behind the code", head: head("HTTP/1.1 204\tOK"), want: noBody},
	{name: "RFC 9112 s.4: a bare CR in the phrase", head: head("HTTP/1.1 200 O\rK"), want: refused(h1.ErrStartLine)},
	{name: "RFC 9112 s.4: NUL in the phrase", head: head("HTTP/1.1 200 O\x00K"), want: refused(h1.ErrStartLine)},
	{name: "RFC 9110 s.15: the smallest code is 100", head: head("HTTP/1.1 099 OK"), want: refused(h1.ErrStartLine)},
	{name: "RFC 9110 s.15: a code above 599 is like a 5xx", head: head("HTTP/1.1 999 OK"), want: untilClose},
	{name: "RFC 9112 s.2.3: HTTP/2", head: head("HTTP/2 200 OK", "Content-Length: 3"), want: length(3)},
	{name: "RFC 9112 s.2.3: HTTP/1.2 is read as 1.1", head: head("HTTP/1.2 200 OK", "Transfer-Encoding: chunked"), want: chunked},
	{name: "RFC 9112 s.2.3: ICY, as SHOUTcast servers write", head: head("ICY 200 OK", "icy-name: x"), want: untilClose},
	{name: "RFC 9112 s.6.1: chunked in ICY", head: head("ICY 200 OK", "Transfer-Encoding: chunked"), want: refused(h1.ErrTransferEncoding)},
	{name: "RFC 9112 s.6.1: chunked in HTTP/2", head: head("HTTP/2 200 OK", "Transfer-Encoding: chunked"), want: refused(h1.ErrTransferEncoding)},
	{name: "RFC 9112 s.2.3: another protocol", head: head("RTSP/1.0 200 OK"), want: refused(h1.ErrStartLine)},
	{name: "RFC 9112 s.2.3: a name that only begins alike", head: head("ICYX 200 OK"), want: refused(h1.ErrStartLine)},
	{name: "a request", head: post(), want: refused(h1.ErrStartLine)},
}

func TestStatusLine(t *testing.T) { testResponses(t, statusLines) }

func TestRequestMethod(t *testing.T) {
	for method, want := range map[string]h1.Method{
		"GET": h1.Other, "HEAD": h1.Head, "CONNECT": h1.Connect,
		"head": h1.Other, "Connect": h1.Other, "HEADS": h1.Other, // RFC 9110 section 9.1: case-sensitive
	} {
		if r := mustRequest(t, head(method+" / HTTP/1.1")); r.Method != want {
			t.Errorf("%s is method %d, want %d", method, r.Method, want)
		}
	}
}

func TestRequestPath(t *testing.T) {
	for target, want := range map[string]string{
		"/":                       "/",
		"/a/b":                    "/a/b",
		"/a?b=/c":                 "/a",
		"/?":                      "/",
		"/a?u=http://b/c":         "/a",
		"/http://b/c":             "/http://b/c",
		"//b/c":                   "//b/c",
		"http://b/c?d":            "/c",
		"file:///a":               "/a",
		"http://b":                "/", // RFC 9112 section 3.2.2
		"http://b/":               "/",
		"http://b?/healthz":       "/",
		"http://b?u=http://c/d":   "/",
		"b:443":                   "b:443", // section 3.2.3
		"b?u=http://c/healthz":    "b",
		"*":                       "*", // section 3.2.4
		"?u=http://127.0.0.1/a/b": "",
	} {
		if r := mustRequest(t, head("GET "+target+" HTTP/1.1")); string(r.Path) != want {
			t.Errorf("path of %s is %q, want %q", target, r.Path, want)
		}
	}
}

func TestRequestUserAgent(t *testing.T) {
	r := mustRequest(t, head("GET / HTTP/1.1", "user-AGENT: \tkube-probe/1.30 \t"))
	if string(r.UserAgent) != "kube-probe/1.30" {
		t.Errorf("user agent is %q", r.UserAgent)
	}
	if r := mustRequest(t, head("GET / HTTP/1.1", "User-Agenx: a")); r.UserAgent != nil {
		t.Errorf("user agent %q, want none", r.UserAgent)
	}
}

// RFC 9110 sections 7.8 and 9.3.6: only these requests may end HTTP on the connection.
func TestRequestSwitches(t *testing.T) {
	for in, want := range map[string]bool{
		head("GET / HTTP/1.1"): false,
		head("GET / HTTP/1.1", "Connection: upgrade", "Upgrade: websocket"): true,
		head("GET / HTTP/1.1", "UPGRADE: h2c", "A: b"):                      true,
		head("GET / HTTP/1.1", "Upgrades: h2c"):                             false,
		head("GET / HTTP/1.1", "Upgradf: h2c"):                              false,
		head("CONNECT a:443 HTTP/1.1"):                                      true,
	} {
		if r := mustRequest(t, in); r.Switches() != want {
			t.Errorf("%q switches: %t, want %t", in, r.Switches(), want)
		}
	}
}

// RFC 9110 section 10.1.1: these clients may wait before they send the body.
func TestRequestExpects(t *testing.T) {
	for field, want := range map[string]bool{
		"Expect: 100-continue":        true,
		"expect:100-Continue":         true,
		"EXPECT: other, 100-continue": true,
		"Expects: 100-continue":       false,
		"Except: 100-continue":        false,
	} {
		if r := mustRequest(t, post("Accept: a/b", field, "Content-Length: 5")); r.Expects != want {
			t.Errorf("%s: expects %t, want %t", field, r.Expects, want)
		}
	}
}

// RFC 9110 section 15.2: another response follows a 1xx, but a 101 ends HTTP.
func TestResponseInterim(t *testing.T) {
	for line, want := range map[string]bool{
		"HTTP/1.1 100 Continue":            true,
		"HTTP/1.1 103 Early Hints":         true,
		"HTTP/1.1 199 ":                    true,
		"HTTP/1.1 101 Switching Protocols": false,
		"HTTP/1.1 200 OK":                  false,
		"HTTP/1.1 500 ":                    false,
	} {
		if r := mustResponse(t, head(line)); r.Interim() != want {
			t.Errorf("%q is interim: %t, want %t", line, r.Interim(), want)
		}
	}
}

func TestResponseStatus(t *testing.T) {
	for line, want := range map[string]int{"HTTP/1.1 100": 100, "HTTP/1.0 418 Teapot": 418, "HTTP/1.1 999 ": 999} {
		if r := mustResponse(t, head(line)); r.Status != want {
			t.Errorf("status of %q is %d, want %d", line, r.Status, want)
		}
	}
}

func mustRequest(t testing.TB, in string) h1.Request {
	t.Helper()
	r, err := h1.ParseRequest([]byte(in))
	if err != nil || r.Size == 0 {
		t.Fatalf("request %q: %d bytes, %v", in, r.Size, err)
	}
	return r
}

func mustResponse(t testing.TB, in string) h1.Response {
	t.Helper()
	r, err := h1.ParseResponse([]byte(in), h1.Other)
	if err != nil || r.Size == 0 {
		t.Fatalf("response %q: %d bytes, %v", in, r.Size, err)
	}
	return r
}

func TestRequestProxied(t *testing.T) {
	for field, want := range map[string]bool{
		"X-Forwarded-For: 192.0.2.1":   true,
		"x-forwarded-for:":             true,
		"FORWARDED: for=192.0.2.1":     true,
		"via:1.1 a":                    true,
		"X-Amzn-Trace-Id: Root=1":      true,
		"Vib: 1.1 a":                   false,
		"X-Forwarded-Foo: via":         false,
		"Accept-Language: forwarded":   false,
		"X-Forwarded-Proto: https":     false, // apps set it in their own calls too
		"Forwarding: for=192.0.2.1":    false,
		"X-Amzn-Trace-Ip: 192.0.2.1":   false,
		"X-Forwarded-For-Ip: 10.0.0.1": false,
	} {
		if r := mustRequest(t, post(field, "Content-Length: 5")); r.Proxied != want {
			t.Errorf("%s: proxied %t, want %t", field, r.Proxied, want)
		}
	}
}
