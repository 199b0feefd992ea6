package main

import (
	"strings"
	"testing"
)

func TestDefaultsAreFine(t *testing.T) {
	o, err := parseOptions(nil, new(strings.Builder))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range o.strategies() {
		names = append(names, s.Name)
	}
	if got := strings.Join(names, ", "); got != "bare, preStop sleep 1s, lameduck" {
		t.Errorf("strategies are %s", got)
	}
}

func TestFlagsWithoutSenseAreRefused(t *testing.T) {
	for flags, want := range map[string]string{
		"-lag 0":         "-lag 0s",
		"-lag 1h":        "must be at most 20s",
		"-rate 0":        "-rate 0",
		"-replicas 0":    "-replicas 0",
		"-retries -1":    "-retries -1",
		"more":           `unexpected argument "more"`,
		"-lag never":     "invalid value",
		"-rate 0 -lag 0": "-lag 0s: must be above zero, since nothing is lost without a lag\n-rate 0",
	} {
		t.Run(flags, func(t *testing.T) {
			var out strings.Builder
			if _, err := parseOptions(strings.Fields(flags), &out); err == nil {
				t.Error("taken as they are")
			}
			if !strings.Contains(out.String(), want) {
				t.Errorf("said %q, want it to say %q", out.String(), want)
			}
		})
	}
}

func TestRequestsAreOfEveryKind(t *testing.T) {
	var kinds []string
	for _, r := range requests() {
		kinds = append(kinds, r.String())
	}
	const want = "GET keep-alive, GET new connection, POST keep-alive, POST new connection"
	if got := strings.Join(kinds, ", "); got != want {
		t.Errorf("requests are %s; want %s", got, want)
	}
}
