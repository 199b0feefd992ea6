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
		"nothing":                       {"", Maybe},
		"a request-line":                {"GET / HTTP/1.1\r\n", Yes},
		"one with a bad version":        {"GET / HTTP/x\n", Yes},
		"one with something behind":     {"GET / HTTP/1.1 x\r\n", Yes},
		"a part of one":                 {"GET / HTTP/1.1", Maybe},
		"a part of a method":            {"GET", Maybe},
		"empty lines before":            {"\r\n\n\r\nGET / HTTP/1.1\r\n", Yes},
		"the beginning of an empty one": {"\r", Maybe},
		"a CR that ends no line":        {"\rx", No},
		"no version":                    {"GET /\r\n", No},
		"a version in the next line":    {"GET /\r\nA: HTTP/1.1\r\n", No},
		"no target":                     {"QUIT\r\n", No},
		"no method":                     {" / HTTP/1.1\r\n", No},
		"a ClientHello":                 {"\x16\x03\x01", No},
		"a method of 64 characters":     {strings.Repeat("A", 64) + " / HTTP/1.1\r\n", Yes},
		"one of 65":                     {strings.Repeat("A", 65), No},
		"a long target":                 {"GET /" + strings.Repeat("a", MaxHead-6), Maybe},
		"an endless one":                {"GET /" + strings.Repeat("a", MaxHead-5), Yes},
	} {
		if got := Recognize([]byte(test.bytes)); got != test.want {
			t.Errorf("%s: %d, want %d", name, got, test.want)
		}
	}
}

// Whatever may be a request is recognized, and no part of it is taken for something else.
func FuzzRecognize(f *testing.F) {
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"))
	f.Add([]byte("\r\nPOST http://a/b HTTP/1.0\n\n"))
	f.Add([]byte("PING\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := ParseRequest(b[EmptyLines(b):]); err == nil && r.Size > 0 && Recognize(b) != Yes {
			t.Errorf("%q is a request and is not recognized", b)
		}
		settled := Maybe
		for n := range len(b) + 1 {
			got := Recognize(b[:n])
			if settled != Maybe && got != settled {
				t.Fatalf("%q is %d, and with %d bytes more %d", b[:n-1], settled, 1, got)
			}
			settled = got
		}
	})
}
