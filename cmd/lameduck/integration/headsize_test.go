package integration

import (
	"net/http"
	"strings"
	"testing"
)

// The size of a head is the operator's decision, for requests and for responses.
func TestAHeadIsRelayedUpToTheSizeThatIsSet(t *testing.T) {
	t.Parallel()
	ln := listen(t)
	app := &http.Server{
		MaxHeaderBytes: 1 << 20,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Echo", r.Header.Get("X-Large"))
		}),
	}
	go func() { _ = app.Serve(ln) }()
	t.Cleanup(func() { _ = app.Close() })
	for _, test := range []struct {
		setting string
		size    int
		status  int
	}{
		{"LAMEDUCK_MAX_HEADER_SIZE=", 50 << 10, http.StatusOK},
		{"LAMEDUCK_MAX_HEADER_SIZE=", 70 << 10, http.StatusRequestHeaderFieldsTooLarge},
		{"LAMEDUCK_MAX_HEADER_SIZE=256KiB", 200 << 10, http.StatusOK},
		{"LAMEDUCK_MAX_HEADER_SIZE=2048", 3 << 10, http.StatusRequestHeaderFieldsTooLarge},
	} {
		d := startServe(t, ln.Addr().String(), test.setting)
		req, err := http.NewRequest(http.MethodGet, "http://"+d.front, nil)
		if err != nil {
			t.Fatal(err)
		}
		large := strings.Repeat("x", test.size)
		req.Header.Set("X-Large", large)
		resp, err := (&http.Transport{MaxResponseHeaderBytes: 1 << 20}).RoundTrip(req)
		if err != nil {
			t.Fatalf("%s, %d bytes: %v", test.setting, test.size, err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != test.status {
			t.Errorf("%s: a head with a field of %d bytes gets status %d, want %d", test.setting, test.size, resp.StatusCode, test.status)
		}
		if resp.StatusCode == http.StatusOK && resp.Header.Get("X-Echo") != large {
			t.Errorf("%s: the response has not the field of %d bytes", test.setting, test.size)
		}
	}
}
