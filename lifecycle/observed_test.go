package lifecycle

import (
	"strings"
	"testing"
	"time"
)

func TestSummary_HasWhatWasObserved(t *testing.T) {
	for name, test := range map[string]struct {
		observed *Observed
		want     string
	}{
		"nothing": {nil, ""},
		"traffic": {
			&Observed{Connections: 3, LastEvent: 6962 * time.Millisecond},
			"; observed: 3 connections, the last event 6.962s after it",
		},
		"traffic beside probes": {
			&Observed{Connections: 1, LastEvent: time.Second, Probes: 2, Empty: 4},
			"; observed: 1 connection, the last event 1s after it (2 of the kubelet, 4 connections without data)",
		},
		"nothing but probes": {
			&Observed{Probes: 2},
			"; observed: nothing but health checks (2 of the kubelet, 0 connections without data)",
		},
		"kept connections": {
			&Observed{Connections: 1, LastEvent: time.Second, Kept: 5, Peers: 2},
			"; observed: 1 connection, the last event 1s after it; 5 connections of 2 clients were still open, " +
				"since the mode observe does not ask clients to disconnect (redirect, takeover and move do)",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := Summary{Trigger: "stop signal", Observed: test.observed}.String()
			if want := "no exchange after its start" + test.want + "; silence required"; !strings.Contains(s, want) {
				t.Errorf("summary %q, want %q in it", s, want)
			}
		})
	}
}

func TestSummary_HealthChecksAreNotExchanges(t *testing.T) {
	s := Summary{Trigger: "stop signal", Evidence: Evidence{LastChecks: map[string]time.Duration{"elb": time.Second}}}
	if got, want := s.String(), "): nothing but health checks after its start;"; !strings.Contains(got, want) {
		t.Errorf("summary %q, want %q in it", got, want)
	}
}
