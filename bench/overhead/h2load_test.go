package main

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

// summaryOfH2load is the output of h2load 1.52.0 after its load has ended.
const summaryOfH2load = `Main benchmark duration is over for thread #0. Stopping all clients.
Stopped all clients for thread #0

finished in 301.12ms, 111733.33 req/s, 6.50MB/s
requests: 33520 total, 33584 started, 33520 done, 33510 succeeded, 10 failed, 4 errored, 2 timeout
status codes: 33510 2xx, 0 3xx, 6 4xx, 0 5xx
traffic: 1.95MB (2046008) total, 393.59KB (403040) headers (space savings 93.99%), 687.42KB (703920) data
                     min         max         mean         sd        +/- sd
time for request:       88us      3.07ms       487us       274us    79.35%
`

func TestParseH2load(t *testing.T) {
	got, err := parseH2load(summaryOfH2load)
	if want := (outcome{Answers: 33510, Seconds: 0.30112, Failed: 10}); err != nil || got != want {
		t.Errorf("parseH2load = %+v, %v, want %+v", got, err, want)
	}
}

func TestParseH2loadRefusesTextWithoutSummary(t *testing.T) {
	for _, text := range []string{"", "starting benchmark...\n", "finished in 1s, 1 req/s\n", strings.Replace(summaryOfH2load, "ms", "parsecs", 1)} {
		if got, err := parseH2load(text); err == nil {
			t.Errorf("parseH2load(%q) = %+v without an error", text, got)
		}
	}
}

func TestH2loadSendsWhatTheCaseSays(t *testing.T) {
	needTools(t, h2loadTool())
	dir := t.TempDir()
	if err := writeFiles(dir); err != nil {
		t.Fatal(err)
	}
	for _, l := range []streamLoad{{Connections: 2, Streams: 3}, {Connections: 1, Streams: 1, Calls: true}} {
		var wrong atomic.Pointer[http.Request]
		address := serveH2C(t, func(w http.ResponseWriter, r *http.Request) {
			called := r.Method == http.MethodPost && r.URL.Path == callPath && r.ContentLength == int64(len(message())) &&
				r.Header.Get("Content-Type") == "application/grpc" && r.Header.Get("Te") == "trailers"
			if called != l.Calls || !l.Calls && r.URL.Path != "/small" {
				wrong.Store(r)
			}
		})
		o, err := sendUntilAnswered(t, l, paths{Listen: address, Files: dir})
		if err != nil || o.Answers == 0 || o.Failed > 0 || o.Seconds < 0.25 {
			t.Errorf("result of %+v: %+v, %v", l, o, err)
		}
		if r := wrong.Load(); r != nil {
			t.Errorf("%+v sends %s %s %v", l, r.Method, r.URL, r.Header)
		}
	}
}
