package main

import (
	"strings"
	"testing"
)

func TestParseTunnel(t *testing.T) {
	got, err := parseTunnel([]byte(`{"bytes":100663296,"seconds":0.5}` + "\n"))
	if want := (outcome{Answers: 1.5, Seconds: 0.5}); err != nil || got != want {
		t.Errorf("parseTunnel = %+v, %v, want %+v", got, err, want)
	}
	for _, text := range []string{"", "bytes", "{}", `{"bytes":0,"seconds":1}`} {
		if got, err := parseTunnel([]byte(text)); err == nil {
			t.Errorf("parseTunnel(%q) = %+v without an error", text, got)
		}
	}
}

func TestTunnelCasesCarryBytesBothWays(t *testing.T) {
	for _, spoken := range []protocol{webSocket, tcp} {
		app := startedApp(t, spoken)
		for _, up := range []bool{false, true} {
			l := tunnelLoad{Up: up, Connections: 2, Bytes: 16 << 10, Framed: spoken == webSocket}
			o, err := sendUntilAnswered(t, l, app.paths)
			if err != nil || o.Answers == 0 {
				t.Errorf("%s, up %v: %+v, %v", spoken, up, o, err)
			}
		}
	}
}

func TestTunnelsTellCostsBySizeAndNotByRequest(t *testing.T) {
	for _, c := range allCases() {
		if c.Protocol != webSocket && c.Protocol != tcp {
			continue
		}
		for _, m := range c.Metrics {
			if strings.Contains(m.Title, "request") {
				t.Errorf("%s reports the %s", c.Name, m.Title)
			}
		}
	}
}
