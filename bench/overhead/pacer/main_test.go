package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// visitors counts a server's requests and their connections.
type visitors struct {
	mu       sync.Mutex
	requests int
	remotes  map[string]bool
}

func (v *visitors) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.mu.Lock()
	v.requests++
	v.remotes[r.RemoteAddr] = true
	v.mu.Unlock()
	io.WriteString(w, "hello")
}

func TestRunAgainstARealServer(t *testing.T) {
	v := &visitors{remotes: map[string]bool{}}
	server := httptest.NewServer(v)
	defer server.Close()
	var out strings.Builder
	if err := run(strings.Fields("-rate 1000 -duration 100ms -connections 5 "+server.URL), &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	var got summary
	if err := json.Unmarshal([]byte(out.String()), &got); err != nil {
		t.Fatal(err)
	}
	if got.Requests != 100 || got.P50 <= 0 || got.P99 < got.P50 || got.Seconds < 0.099 {
		t.Errorf("output %s", out.String())
	}
	v.mu.Lock() // the race detector does not see that the answer is older
	defer v.mu.Unlock()
	if v.requests != 105 || len(v.remotes) != 5 {
		t.Errorf("the server saw %d requests on %d connections, want 105 with those that do not count, on 5", v.requests, len(v.remotes))
	}
}

func TestRunRefusesOtherAnswers(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	err := run([]string{server.URL}, io.Discard, io.Discard)
	if err == nil || !strings.Contains(err.Error(), `open connection 0`) || !strings.Contains(err.Error(), "404") {
		t.Errorf("error %v", err)
	}
}

func TestRunReportsAServerThatHangsUp(t *testing.T) {
	var once sync.Once
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		first := false
		once.Do(func() { first = true })
		if !first {
			panic(http.ErrAbortHandler)
		}
	}))
	defer server.Close()
	err := run([]string{"-connections", "1", server.URL}, io.Discard, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "receive the response to request 0") {
		t.Errorf("error %v", err)
	}
}

func TestRunRefusesNonsense(t *testing.T) {
	for args, want := range map[string]string{
		"":                                "want one URL",
		"http://a http://b":               "want one URL",
		"http://localhost:80/":            `URL "http://localhost:80/": want one such as http://127.0.0.1:8080/path`,
		"https://127.0.0.1:80/":           "want one such as",
		"-connections 0 http://1.1.1.1:1": "-connections 0: must be at least 1",
		"-rate 0 http://1.1.1.1:1":        "-rate 0 for -duration 1s: not even one request",
	} {
		if err := run(strings.Fields(args), io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: the error is %v, want %q in it", args, err, want)
		}
	}
}
