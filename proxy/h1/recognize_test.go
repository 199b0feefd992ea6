package h1

import (
	"strings"
	"testing"
)

func TestRecognize(t *testing.T) {
	for name, test := range map[string]struct {
		bytes string
		want  Guess
	}{
		"nothing":                             {"", Maybe},
		"a request line":                      {"GET / HTTP/1.1\r\n", Yes},
		"one that ends in LF":                 {"GET / HTTP/1.0\n", Yes},
		"one of another minor version":        {"GET / HTTP/1.9\r\n", Yes},
		"a request line with trailing spaces": {"GET / HTTP/1.1  \r\n", Yes},
		"a method in lower case":              {"get / HTTP/1.1\r\n", Yes},
		"a method of odd characters":          {"M-SEARCH * HTTP/1.1\r\n", Yes},
		"an authority":                        {"CONNECT a:1 HTTP/1.1\r\n", Yes},
		"a target of odd bytes":               {"GET /\xff\"<> HTTP/1.1\r\n", Yes},
		"the bytes after it do not matter":    {"GET / HTTP/1.1\r\n\x00\xff", Yes},
		"empty lines before":                  {"\r\n\n\r\nGET / HTTP/1.1\r\n", Yes},
		"a method of 64 characters":           {strings.Repeat("A", 64) + " / HTTP/1.1\r\n", Yes},

		"a part of a method":            {"GET", Maybe},
		"a part of a target":            {"GET /", Maybe},
		"a part of a version":           {"GET / HT", Maybe},
		"a whole version":               {"GET / HTTP/1.1", Maybe},
		"a CR":                          {"GET / HTTP/1.1\r", Maybe},
		"the beginning of an empty one": {"\r", Maybe},
		"two words":                     {"LOGIN bob", Maybe},
		"a long target":                 {"GET /" + strings.Repeat("a", MaxHead), Maybe},

		"a method of 65 characters":    {strings.Repeat("A", 65), No},
		"a version of the next line":   {"GET /\r\nA: HTTP/1.1\r\n", No},
		"HTTP/0.9":                     {"GET /\r\n", No},
		"another major version":        {"GET / HTTP/2", No},
		"another letter case":          {"GET / Http", No},
		"no digit":                     {"GET / HTTP/1.x", No},
		"a version with another digit": {"GET / HTTP/1.10", No},
		"a fourth word":                {"GET / HTTP/1.1 x", No},
		"a bare CR":                    {"GET / HTTP/1.1\rx", No},
		"two spaces":                   {"GET  /", No},
		"two spaces before a version":  {"GET /  ", No},
		"a tab":                        {"GET\t/", No},
		"a control in a target":        {"GET /\x00", No},
		"a word":                       {"QUIT\r\n", No},
		"three words":                  {"LOG fetched v", No},
		"a mention of HTTP":            {"LOG fetched /x via HTTP/1.1\n", No},
		"git":                          {"003fgit-upload-pack /r.git\x00host=a\x00", No},
		"syslog with octet counting":   {"83 <34>1 2", No},
		"SIP":                          {"OPTIONS sip:a@b S", No},
		"RTSP":                         {"OPTIONS rtsp://a/b R", No},
		"no method":                    {" / HTTP/1.1\r\n", No},
		"a CR that ends no line":       {"\rx", No},
		"a ClientHello":                {"\x16", No},
		"a colon":                      {"key:", No},
	} {
		if got := Recognize([]byte(test.bytes)); got != test.want {
			t.Errorf("%s: %d, want %d", name, got, test.want)
		}
	}
}

// A line is undecided as long as it may be a request line, and decided at its end at the latest.
func TestRecognizeWaitsForNothing(t *testing.T) {
	for _, undecided := range []string{"LOG fetched ", "83 <34>1 ", "003fgit-upload-pack /r.git", "GET / HTTP/", "LOGIN bob"} {
		if got := Recognize([]byte(undecided)); got != Maybe {
			t.Errorf("%q: %d, want it undecided", undecided, got)
		}
		if got := Recognize([]byte(undecided + "\n")); got != No {
			t.Errorf("%q and the end of the line: %d, want No", undecided, got)
		}
	}
}

func TestRecognizeStatus(t *testing.T) {
	for name, test := range map[string]struct {
		bytes string
		want  Guess
	}{
		"nothing":                  {"", Maybe},
		"a status line":            {"HTTP/1.1 408 Request Timeout\r\n", Yes},
		"one without a reason":     {"HTTP/1.0 500\r\n", Yes},
		"one that ends in LF":      {"HTTP/1.0 500\n", Yes},
		"a part of a version":      {"HTTP/1", Maybe},
		"a part of a status":       {"HTTP/1.1 40", Maybe},
		"a whole status":           {"HTTP/1.1 408", Maybe},
		"a greeting":               {"HELLO", No},
		"another protocol":         {"HTTPX", No},
		"no status":                {"HTTP/1.1 O", No},
		"a status of four digits":  {"HTTP/1.1 4080", No},
		"another major version":    {"HTTP/2", No},
		"an empty line before":     {"\r\nHTTP/1.1 408 x", No},
		"a request line":           {"GET", No},
		"the first letter in case": {"h", No},
	} {
		if got := RecognizeStatus([]byte(test.bytes)); got != test.want {
			t.Errorf("%s: %d, want %d", name, got, test.want)
		}
	}
}

// The first line of a recognized request is not refused, no text is both a request and a response,
// and any split of the bytes leads to the same result.
func FuzzRecognize(f *testing.F) {
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"), uint16(3))
	f.Add([]byte("\r\nPOST http://a/b HTTP/1.0\n\n"), uint16(1))
	f.Add([]byte("PING\r\n"), uint16(4))
	f.Add([]byte("HTTP/1.1 200 OK\r\n"), uint16(9))
	f.Fuzz(func(t *testing.T, b []byte, split uint16) {
		for name, guess := range map[string]func([]byte) Guess{"request": Recognize, "status": RecognizeStatus} {
			settled := Maybe
			for n := range len(b) + 1 {
				got := guess(b[:n])
				if settled != Maybe && got != settled {
					t.Fatalf("%s: %q is %d, and with one byte more %d", name, b[:n-1], settled, got)
				}
				settled = got
			}
		}
		var l RequestLine
		at := min(int(split), len(b))
		l.Next(b[:at])
		if got, want := l.Next(b[at:]), Recognize(b); got != want {
			t.Errorf("%q is %d, in two pieces %d", b, want, got)
		}
		if _, err := ParseRequest(b[EmptyLines(b):]); Recognize(b) == Yes && (err == ErrStartLine || err == ErrVersion) {
			t.Errorf("%q was recognized and then refused: %v", b, err)
		}
		if Recognize(b) == Yes && RecognizeStatus(b) != No {
			t.Errorf("%q is both a request and a response", b)
		}
	})
}
