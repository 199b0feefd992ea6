package main

import (
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestServe(t *testing.T) {
	cases := map[string]struct {
		method, target, body string
		status               int
		answer               string
		took                 time.Duration
	}{
		"GET answers a few bytes": {"GET", "/", "", 200, "hello\n", 0},
		"POST echoes":             {"POST", "/", "abc", 200, "abc", 0},
		"a large POST too":        {"POST", "/x", strings.Repeat("x", 1<<20), 200, strings.Repeat("x", 1<<20), 0},
		"an empty POST too":       {"POST", "/", "", 200, "", 0},
		"wait delays a GET":       {"GET", "/?wait=50ms", "", 200, "hello\n", 50 * time.Millisecond},
		"wait delays a POST":      {"POST", "/?wait=2s", "abc", 200, "abc", 2 * time.Second},
		"a malformed wait fails": {"GET", "/?wait=soon", "", 400,
			"wait: must be a duration (for example wait=50ms), got \"soon\"\n", 0},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := httptest.NewRecorder()
				began := time.Now()
				serve(w, httptest.NewRequest(tc.method, tc.target, strings.NewReader(tc.body)))
				if w.Code != tc.status || w.Body.String() != tc.answer {
					t.Errorf("answered %d %.80q", w.Code, w.Body)
				}
				if took := time.Since(began); took != tc.took {
					t.Errorf("took %v, want %v", took, tc.took)
				}
			})
		})
	}
}
