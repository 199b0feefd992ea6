package main

import (
	"strings"
	"testing"
	"time"
)

func TestFlags(t *testing.T) {
	args := strings.Fields("-listen 127.0.0.1:1 -graceful -start-after 2s -idle-timeout 1s")
	got, err := parse(args, t.Output())
	want := options{listen: "127.0.0.1:1", graceful: true, startAfter: 2 * time.Second, idleTimeout: time.Second}
	if err != nil || got != want {
		t.Errorf("%v gives %+v, %v", args, got, err)
	}
}

func TestInvalidFlagsAreRefused(t *testing.T) {
	for args, hint := range map[string]string{
		"-start-after soon": `invalid value "soon" for flag -start-after`,
		"-polite":           "flag provided but not defined: -polite",
		"127.0.0.1:8080":    `unexpected argument "127.0.0.1:8080"`,
	} {
		var said strings.Builder
		if _, err := parse(strings.Fields(args), &said); err == nil || !strings.Contains(said.String(), hint) {
			t.Errorf("%s: error %v, said %q", args, err, &said)
		}
	}
}
