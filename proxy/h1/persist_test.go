package h1

import "testing"

// RFC 9112 section 9.3.
func TestPersists(t *testing.T) {
	for head, want := range map[string]bool{
		"GET / HTTP/1.1\r\n\r\n":                                   true,
		"GET / HTTP/1.1\r\nConnection: close\r\n\r\n":              false,
		"GET / HTTP/1.1\r\nConnection: upgrade, Close\r\n\r\n":     false,
		"GET / HTTP/1.0\r\n\r\n":                                   false,
		"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n":         true,
		"HTTP/1.1 200 OK\r\n\r\n":                                  true,
		"HTTP/1.1 200 HTTP/1.0\r\nContent-Length: 0\r\n\r\n":       true,
		"GET / HTTP/1.0 \r\n\r\n":                                  false,
		"GET /HTTP/1.1 HTTP/1.0\r\n\r\n":                           false,
		"GET / HTTP/1.2\r\n\r\n":                                   true,
		"HTTP/1.9 200 OK\r\n\r\n":                                  true,
		"ICY 200 OK\r\n\r\n":                                       false, // an unknown version
		"HTTP/2 200 OK\r\n\r\n":                                    false,
		"HTTP/1.1 200 OK\r\nConnection:\r\n close\r\n\r\n":         false,
		"HTTP/1.1 200 OK\r\nConnection: a,\n\tclose,b\n\n":         false,
		"HTTP/1.0 200 OK\r\nConnection: a\r\n ,keep-alive\r\n\r\n": true,
		"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n":             false,
		"HTTP/1.0 200 OK\r\n\r\n":                                  false,
		"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n":        true,
		"HTTP/1.0 200 OK\r\nConnection: keep-alive, close\r\n\r\n": false,
	} {
		if got := Persists([]byte(head)); got != want {
			t.Errorf("after %q the connection persists: %v, want %v", head, got, want)
		}
	}
}

// RFC 9110 section 9.2.2.
func TestIdempotent(t *testing.T) {
	for request, want := range map[string]bool{
		"GET / ": true, "HEAD / ": true, "PUT / ": true, "DELETE / ": true, "OPTIONS * ": true, "TRACE / ": true,
		"POST / ": false, "PATCH / ": false, "CONNECT a:1 ": false, "get / ": false, "GETS / ": false, "": false,
	} {
		if got := Idempotent([]byte(request)); got != want {
			t.Errorf("%q is idempotent: %v, want %v", request, got, want)
		}
	}
}
