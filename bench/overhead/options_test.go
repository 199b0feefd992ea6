package main

import (
	"slices"
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
		"-cases=fast":        `unknown case "fast": want all, or some of keepalive, large, huge, newconn, heads, throughput, h2c, h2c-single, grpc, grpc-single, grpc-go, tls-handshake, tls-resumed, tls-keepalive, tls-large, tcp-down, tcp-up, ws-down, ws-up, ws1m-down, ws1m-up, latency, latency500, observe, observe-newconn, scale, busy10k, idle, idle3k, idle10k, ws-idle10k, tls-idle, tls-idle3k, binary`,
		"-peers=apache":      `unknown peer "apache"`,
		"-peers=":            `unknown peer ""`,
		"-rounds=0":          "-rounds 0: must be at least 1",
		"-duration=1ms":      "-duration 1ms: must be at least 500ms",
		"-guard keepalive":   `unexpected argument "keepalive"`,
		"-rounds=0 -peers=":  "-rounds 0",
		"-table=small":       "-table small: must be full, quick, cost or regress",
		"-quick -table=cost": "-table cost: must not be given with -quick",
		"-update":            "-update: requires -regress",
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
		t.Errorf("error %v, want %q", err, want)
	}
	if err := requireTools([]tool{{"sh", "dash"}}); err != nil {
		t.Errorf("no program is missing, but got the error %v", err)
	}
}

func TestToolsOfAPeerAreNeededWhereItIsNamed(t *testing.T) {
	haproxy := tool{"haproxy", "haproxy"}
	for args, want := range map[string]bool{
		"-peers haproxy-tcp": true,
		"-peers direct":      false,
		"-peers all":         false, // it is left out
		"":                   false,
		"-quick":             false,
	} {
		opts, err := parseOptions(strings.Fields(args), &strings.Builder{})
		if err != nil {
			t.Fatal(err)
		}
		if got := slices.Contains(opts.tools(), haproxy); got != want {
			t.Errorf("%q cannot do without haproxy: %v, want %v", args, got, want)
		}
	}
}

func TestCasesWithoutTheirToolsAreLeftOutUnlessNamed(t *testing.T) {
	gone := tool{"no-such-load", "load-package"}
	o := options{Asked: []benchCase{{Name: "here"}, {Name: "gone", Load: gone}}}
	o.dropCases()
	if got := caseNames(o.Cases); !slices.Equal(got, []string{"here"}) {
		t.Errorf("left are %v", got)
	}
	if want := []string{"gone is left out: missing Debian packages: apt-get install load-package"}; !slices.Equal(o.Notes, want) {
		t.Errorf("notes %q, want %q", o.Notes, want)
	}
	if o.Cases = o.Asked; !slices.Contains(o.tools(), gone) {
		t.Errorf("a run of a named case can do without its load: %v", o.tools())
	}
	if o.Cases = o.Asked[:1]; slices.Contains(o.tools(), gone) {
		t.Errorf("a run needs the load of a case that it leaves out: %v", o.tools())
	}
}

func TestGRPCNeedsItsAppAndItsLoad(t *testing.T) {
	for name, want := range map[string][]tool{"keepalive": nil, "h2c": {h2loadTool()}, "ws-up": nil, "grpc": {h2loadTool(), grpcApp().Tool}} {
		for _, c := range allCases() {
			if got := c.optional(); c.Name == name && !slices.Equal(got, want) {
				t.Errorf("%s needs %v, want %v", name, got, want)
			}
		}
	}
}

func TestQuickIsAPresetThatFlagsOverrule(t *testing.T) {
	for args, want := range map[string]struct {
		rounds   int
		duration time.Duration
		peers    string
	}{
		"":                                 {5, 3 * time.Second, "direct nginx nginx-nopool haproxy-http haproxy-tcp haproxy-splice caddy traefik queue-proxy reverseproxy lameduck"},
		"-quick":                           {3, 600 * time.Millisecond, "direct nginx haproxy-http haproxy-tcp reverseproxy lameduck"},
		"-quick -rounds 5":                 {5, 600 * time.Millisecond, "direct nginx haproxy-http haproxy-tcp reverseproxy lameduck"},
		"-duration 1s -peers caddy -quick": {3, time.Second, "caddy"},
		"-table quick":                     {3, 600 * time.Millisecond, "direct nginx haproxy-http haproxy-tcp reverseproxy lameduck"},
		"-table cost -rounds 1":            {1, 2 * time.Second, "direct nginx haproxy-http haproxy-tcp lameduck"},
		"-regress":                         {7, 600 * time.Millisecond, "nginx haproxy-tcp lameduck"},
		"-regress -table cost":             {5, 2 * time.Second, "direct nginx haproxy-http haproxy-tcp lameduck"},
	} {
		opts, err := parseOptions(strings.Fields(args), &strings.Builder{})
		if err != nil {
			t.Fatal(err)
		}
		if peers := strings.Join(peerNames(opts.Peers), " "); opts.Rounds != want.rounds || opts.Duration != want.duration || peers != want.peers {
			t.Errorf("%q: %d rounds of %s of %s, want %+v", args, opts.Rounds, opts.Duration, peers, want)
		}
	}
	opts, err := parseOptions([]string{"-quick"}, &strings.Builder{})
	if got := strings.Join(caseNames(opts.Cases), " "); err != nil || got != "keepalive large newconn heads h2c grpc tcp-down ws-up latency idle binary" {
		t.Errorf("quick cases %s, %v", got, err)
	}
}
