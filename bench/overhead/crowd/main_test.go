package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestCrowdKeepsEachConnectionBusy(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	seen := map[string]int{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		seen[r.RemoteAddr]++
		mu.Unlock()
		fmt.Fprint(w, "hello")
	}))
	defer server.Close()
	var s summary
	for d := 200 * time.Millisecond; s.Requests == 0 && d < time.Minute; d *= 2 { // the machine may be busy
		mu.Lock()
		clear(seen)
		mu.Unlock()
		var out strings.Builder
		args := fmt.Sprintf("-duration %v -connections 20 %s", d, server.Listener.Addr())
		if err := run(strings.Fields(args), &out); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(out.String()), &s); err != nil {
			t.Fatal(err)
		}
	}
	if s.Requests == 0 || s.P50 <= 0 || s.P99 < s.P50 {
		t.Errorf("summary %+v", s)
	}
	mu.Lock()
	defer mu.Unlock()
	total := 0
	for from, n := range seen {
		total += n
		if n < 2 {
			t.Errorf("%s made %d requests, want the first and more", from, n)
		}
	}
	// The first response and the last one of each connection do not count.
	if want := s.Requests + 2*20; len(seen) != 20 || total != want {
		t.Errorf("%d connections made %d requests, want 20 and %d", len(seen), total, want)
	}
}

func TestCrowdRefusesOtherAnswers(t *testing.T) {
	t.Parallel()
	bad := httptest.NewServer(http.NotFoundHandler())
	defer bad.Close()
	err := run([]string{bad.Listener.Addr().String()}, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "404 Not Found") {
		t.Errorf("error %v, want the status in it", err)
	}
	for _, args := range []string{"", "localhost:80", "[::1]:80", "127.0.0.1:80 more", "-connections=0 127.0.0.1:80"} {
		if err := run(strings.Fields(args), io.Discard); err == nil || !strings.Contains(err.Error(), "usage") {
			t.Errorf("%q: the error is %v", args, err)
		}
	}
}

func TestWholeLengthNeedsTheHeadAndItsLength(t *testing.T) {
	t.Parallel()
	const head = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n"
	for text, want := range map[string]int{
		"HTTP":                  -1,
		head[:len(head)-1]:      -1,
		head:                    len(head) + 5,
		head + "hello":          len(head) + 5,
		"HTTP/1.1 200 OK\r\n":   -1,
		"HTTP/1.1 200 \r\n\r\n": 0, // an error
		"HTTP/1.1 502 Bad\r\n":  0, // an error
	} {
		got, err := wholeLength([]byte(text))
		if got != want || (err == nil) != (want != 0) {
			t.Errorf("wholeLength(%q) = %d, %v, want %d", text, got, err, want)
		}
	}
}

func TestQuantile(t *testing.T) {
	t.Parallel()
	var ms []time.Duration
	for i := range 100 {
		ms = append(ms, time.Duration(i+1)*time.Microsecond)
	}
	for share, want := range map[float64]float64{0.5: 50, 0.99: 99, 1: 100, 0: 1} {
		if got := quantile(ms, share); got != want {
			t.Errorf("quantile %v is %v, want %v", share, got, want)
		}
	}
	if got := quantile(nil, 0.5); got != 0 {
		t.Errorf("quantile of an empty list %v", got)
	}
}
