package main

import (
	"strings"
	"testing"
)

func TestParsePacer(t *testing.T) {
	got, err := parsePacer([]byte(`{"requests":6000,"seconds":3.0002,"p50":101.5,"p99":250,"late_p50":9,"late_p99":40.25}` + "\n"))
	want := pacerSummary{Requests: 6000, Seconds: 3.0002, P50: 101.5, P99: 250, LateP50: 9, LateP99: 40.25}
	if err != nil || got != want {
		t.Errorf("parsePacer = %+v, %v, want %+v", got, err, want)
	}
	for _, text := range []string{"", "6000 requests", "{}", `{"requests":1}`} {
		if got, err := parsePacer([]byte(text)); err == nil || !strings.Contains(err.Error(), "read the output of pacer") {
			t.Errorf("parsePacer(%q) = %+v, %v, want an error", text, got, err)
		}
	}
}

func TestLatencyCasesShowWhatTheyAdd(t *testing.T) {
	for _, c := range allCases() {
		for _, m := range c.Metrics {
			for _, other := range []string{m.Beyond, m.AtLeast} {
				if other != "" && findMetric(allCases(), c.Name, other) == (metric{}) {
					t.Errorf("%s %s is derived from %s, which the case does not measure", c.Name, m.Name, other)
				}
			}
		}
	}
}
