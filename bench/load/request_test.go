package load

import "testing"

func TestBodiesDiffer(t *testing.T) {
	r := Request{Method: "POST", Body: 100}
	if string(r.body(1)) == string(r.body(2)) {
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
	if b := (Request{Method: "GET", Body: 10}).body(1); b != nil {
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
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if got := string(tc.r.message("h:1", tc.r.body(42))); got != tc.want {
				t.Errorf("message is\n%q, want\n%q", got, tc.want)
			}
		})
	}
}
