package lifecycle

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// controlRequest returns a request of a program on this host.
func controlRequest(method, target string) *http.Request {
	r := httptest.NewRequest(method, target, nil)
	r.Host, r.RemoteAddr = "127.0.0.1:18082", "127.0.0.1:40000"
	return r
}

func TestOnlyProgramsOnThisHostBeginADrain(t *testing.T) {
	field := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	host := func(h string) func(*http.Request) { return func(r *http.Request) { r.Host = h } }
	for name, test := range map[string]struct {
		change func(*http.Request)
		status int
	}{
		"a program":                    {func(*http.Request) {}, 200},
		"a program on localhost":       {host("localhost:18082"), 200},
		"in capitals":                  {host("LOCALHOST"), 200},
		"without a port":               {host("127.0.0.1"), 200},
		"on another loopback address":  {host("127.1.2.3:18082"), 200},
		"on IPv6":                      {host("[::1]:18082"), 200},
		"on IPv6 without a port":       {host("[::1]"), 200},
		"with fields of curl":          {field("User-Agent", "curl/8"), 200},
		"a page":                       {field("Origin", "http://evil.example"), 403},
		"a page without an origin":     {field("Origin", "null"), 403},
		"a page of this host":          {field("Origin", "http://127.0.0.1:18082"), 403},
		"a form":                       {field("Referer", "http://evil.example/"), 403},
		"a browser":                    {field("Sec-Fetch-Site", "none"), 403},
		"an older browser":             {field("Sec-Ch-Ua", `"Chromium"`), 403},
		"a proxy":                      {field("X-Forwarded-For", "192.0.2.1"), 403},
		"a proxy that hides":           {field("X-Forwarded-Proto", "https"), 403},
		"nginx":                        {field("X-Real-IP", "192.0.2.1"), 403},
		"a proxy of RFC 7239":          {field("Forwarded", "for=192.0.2.1"), 403},
		"a cache":                      {field("Via", "1.1 cache"), 403},
		"a name that is rebound":       {host("evil.example:18082"), 403},
		"a name that looks local":      {host("localhost.evil.example"), 403},
		"a name that begins like it":   {host("127.0.0.1.evil.example:18082"), 403},
		"the pod's address":            {host("10.1.2.3:18082"), 403},
		"every address":                {host("0.0.0.0:18082"), 403},
		"every address of IPv6":        {host("[::]:18082"), 403},
		"an address in one number":     {host("2130706433"), 403},
		"no host":                      {host(""), 403},
		"another host on the network":  {func(r *http.Request) { r.RemoteAddr = "10.1.2.4:40000" }, 403},
		"a client whose address hides": {func(r *http.Request) { r.RemoteAddr = "@" }, 403},
	} {
		t.Run(name, func(t *testing.T) {
			onStage(t, testConfig, external, func(s *stage) {
				for _, target := range []string{"/status", "/drain"} {
					method := http.MethodPost
					if target == "/status" {
						method = http.MethodGet
					}
					r := controlRequest(method, target)
					test.change(r)
					w := httptest.NewRecorder()
					s.Control().ServeHTTP(w, r)
					if w.Code != test.status {
						t.Errorf("%s %s: status %d, want %d: %s", method, target, w.Code, test.status, w.Body)
					}
				}
				want := Draining
				if test.status != 200 {
					want = Serving
				}
				s.wantsPhase(want)
			})
		})
	}
}

func TestOnlyAPostBeginsADrain(t *testing.T) {
	for _, method := range []string{"GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"} {
		onStage(t, testConfig, external, func(s *stage) {
			w := httptest.NewRecorder()
			s.Control().ServeHTTP(w, controlRequest(method, "/drain"))
			if w.Code != http.StatusMethodNotAllowed {
				t.Errorf("%s /drain: status %d, want 405", method, w.Code)
			}
			s.wantsPhase(Serving)
		})
	}
}
