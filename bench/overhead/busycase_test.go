package main

import "testing"

func TestParseCrowd(t *testing.T) {
	got, err := parseCrowd([]byte(`{"requests":7,"seconds":2,"p50":100,"p99":900}`))
	if want := (crowdSummary{Requests: 7, Seconds: 2, P50: 100, P99: 900}); err != nil || got != want {
		t.Errorf("parseCrowd = %+v, %v, want %+v", got, err, want)
	}
	for _, text := range []string{"", "{}", `{"requests":5}`} {
		if got, err := parseCrowd([]byte(text)); err == nil {
			t.Errorf("parseCrowd(%q) = %+v without an error", text, got)
		}
	}
}

func TestBusyConnectionsFitTheLimitOfOpenFiles(t *testing.T) {
	c, note := busyCase("busy10k", 10_000, 2, 1).within(20_000)
	if c.Connections != 7_600 || note == "" {
		t.Errorf("%d connections with 20,000 files, %q", c.Connections, note)
	}
}
