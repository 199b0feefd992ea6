package main

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// serve starts a server that counts its handshakes.
func serve(t *testing.T, tickets bool, status int) (address string, full, resumed *atomic.Int64) {
	t.Helper()
	full, resumed = new(atomic.Int64), new(atomic.Int64)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.TLS.DidResume {
			resumed.Add(1)
		} else {
			full.Add(1)
		}
		w.WriteHeader(status)
		fmt.Fprint(w, "hello")
	}))
	server.TLS = &tls.Config{SessionTicketsDisabled: !tickets}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.Listener.Addr().String(), full, resumed
}

func TestGreeterMakesFullHandshakesOrResumes(t *testing.T) {
	for flags, wantFull := range map[string]func(full, resumed int64) bool{
		"":         func(full, resumed int64) bool { return full > 0 && resumed == 0 },
		"-resume ": func(full, resumed int64) bool { return full == 1 && resumed > 0 },
	} {
		address, full, resumed := serve(t, true, http.StatusOK)
		var s summary
		for d := 50 * time.Millisecond; s.Requests == 0 && d < time.Minute; d *= 2 { // the machine may be busy
			var out strings.Builder
			if err := run(strings.Fields(fmt.Sprintf("%s-duration %v -clients 2 %s", flags, d, address)), &out); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal([]byte(out.String()), &s); err != nil || s.Seconds <= 0 {
				t.Fatalf("%q prints %s, %v", flags, out.String(), err)
			}
		}
		if !wantFull(full.Load(), resumed.Load()) || s.Requests == 0 {
			t.Errorf("%q makes %d full handshakes and %d resumed ones", flags, full.Load(), resumed.Load())
		}
	}
}

func TestGreeterRefusesWhatItDoesNotMeasure(t *testing.T) {
	plain, _, _ := serve(t, false, http.StatusOK)
	bad, _, _ := serve(t, true, http.StatusBadGateway)
	for args, want := range map[string]string{
		"-resume -duration 1m " + plain: "the session is resumed: false, want true",
		"-duration 1m " + bad:           "502 Bad Gateway",
		"-clients 0 " + plain:           "usage",
		"":                              "usage",
	} {
		if err := run(strings.Fields(args), io.Discard); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: the error is %v, want %q in it", args, err, want)
		}
	}
}
