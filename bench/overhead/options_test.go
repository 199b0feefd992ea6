package main

import (
	"strings"
	"testing"
	"time"
)

func TestParseOptionsChoosesInTheOrderOfTheTable(t *testing.T) {
	opts, err := parseOptions([]string{"-cases", "idle, keepalive", "-peers", "lameduck,nginx", "-duration", "1s"}, &strings.Builder{})
	if err != nil {
		t.Fatal(err)
	}
	cases, peers := strings.Join(caseNames(opts.Cases), " "), strings.Join(peerNames(opts.Peers), " ")
	if cases != "keepalive idle" || peers != "nginx lameduck" || opts.Duration != time.Second {
		t.Errorf("chosen are %s of %s for %s", cases, peers, opts.Duration)
	}
}

func TestParseOptionsRefusesNonsense(t *testing.T) {
	for flags, want := range map[string]string{
		"-cases=fast":       `case "fast": unknown, one of keepalive, large, newconn, heads, idle, binary is needed`,
		"-peers=apache":     `peer "apache": unknown`,
		"-peers=":           `peer "": unknown`,
		"-rounds=0":         "-rounds 0: at least 1 is needed",
		"-duration=1ms":     "-duration 1ms: at least 500ms is needed",
		"-connections=-1":   "-connections -1: at least 1 is needed",
		"-guard keepalive":  `arguments ["keepalive"]: only flags are understood`,
		"-rounds=0 -peers=": "-rounds 0",
	} {
		_, err := parseOptions(strings.Fields(flags), &strings.Builder{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: the error is %v, want %q in it", flags, err, want)
		}
	}
}

func TestMissingToolsAreNamedInOneLine(t *testing.T) {
	err := requireTools([]tool{
		{"sh", "dash"},
		{"no-such-proxy", "proxy-light"}, {"no-such-proxy", "proxy-light"}, {"no-such-load", "load"},
	})
	const want = "missing Debian packages: apt-get install proxy-light load"
	if err == nil || err.Error() != want {
		t.Errorf("the error is %v, want %q", err, want)
	}
	if err := requireTools([]tool{{"sh", "dash"}}); err != nil {
		t.Errorf("nothing is missing, and still: %v", err)
	}
}

func TestToolsOfAPeerAreNeededOnlyWithIt(t *testing.T) {
	opts := options{Peers: []peer{{Name: "direct"}}}
	for _, needed := range opts.tools() {
		if needed.Program == "haproxy" {
			t.Error("haproxy is needed to measure no proxy")
		}
	}
}
