package load

import "testing"

// body returns the body of request number seq.
func (r Request) body(seq int) string {
	m, n := r.appendMessage(nil, "h", seq)
	return string(m[len(m)-n:])
}

func TestBodiesDiffer(t *testing.T) {
	r := Request{Method: "POST", Body: 100}
	if r.body(1) == r.body(2) {
		t.Error("two requests have the same body: an answer to the wrong one would not be seen")
	}
}

func TestBodyHasItsSize(t *testing.T) {
	for _, size := range []int{0, 1, 5, 4096} {
		if got := len(Request{Method: "POST", Body: size}.body(123456)); got != size {
			t.Errorf("body of %d bytes, want %d", got, size)
		}
	}
}

func TestOnlyAPostHasABody(t *testing.T) {
	if b := (Request{Method: "GET", Body: 10}).body(1); b != "" {
		t.Errorf("a GET has the body %q", b)
	}
}

func TestMessage(t *testing.T) {
	cases := map[string]struct {
		r    Request
		want string
	}{
		"zero value": {Request{}, "GET / HTTP/1.1\r\nHost: h:1\r\nUser-Agent: lameduck-load\r\n\r\n"},
		"POST": {Request{Method: "POST", Target: "/x?wait=1s", Body: 4}, "POST /x?wait=1s HTTP/1.1\r\nHost: h:1\r\n" +
			"User-Agent: lameduck-load\r\nContent-Type: application/octet-stream\r\nContent-Length: 4\r\n\r\n42:d"},
		"POST without a body": {Request{Method: "POST", Body: -1}, "POST / HTTP/1.1\r\nHost: h:1\r\n" +
			"User-Agent: lameduck-load\r\nContent-Type: application/octet-stream\r\nContent-Length: 0\r\n\r\n"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if got, _ := tc.r.appendMessage(nil, "h:1", 42); string(got) != tc.want {
				t.Errorf("message is\n%q, want\n%q", got, tc.want)
			}
		})
	}
}
