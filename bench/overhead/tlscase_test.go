package main

import (
	"slices"
	"testing"
)

func TestParseGreeter(t *testing.T) {
	got, err := parseGreeter([]byte(`{"requests":300,"seconds":1.5}` + "\n"))
	if want := (outcome{Answers: 300, Seconds: 1.5}); err != nil || got != want {
		t.Errorf("parseGreeter = %+v, %v, want %+v", got, err, want)
	}
	for _, text := range []string{"", "{}", `{"requests":0,"seconds":1}`} {
		if got, err := parseGreeter([]byte(text)); err == nil {
			t.Errorf("parseGreeter(%q) = %+v without an error", text, got)
		}
	}
}

func TestPeersThatTerminateTLSAreComparedWithLameduck(t *testing.T) {
	var names []string
	for _, p := range allPeers() {
		if slices.Contains(p.Speaks, https) {
			names = append(names, p.Name)
		}
	}
	if want := []string{"nginx", "haproxy-http", "haproxy-tcp", lameduck}; !slices.Equal(names, want) {
		t.Errorf("TLS is terminated by %v, want %v", names, want)
	}
}

func TestWrkRequestsOverTLS(t *testing.T) {
	for l, want := range map[*load]string{
		{Path: "/small"}:            "http://127.0.0.1:1/small",
		{Path: "/small", TLS: true}: "https://127.0.0.1:1/small",
	} {
		if args := l.args("127.0.0.1:1"); args[len(args)-1] != want {
			t.Errorf("arguments of wrk %q, want %s", args, want)
		}
	}
}
