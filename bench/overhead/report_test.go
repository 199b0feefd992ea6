package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReportAsJSON(t *testing.T) {
	r, cases, _ := sample()
	path := filepath.Join(t.TempDir(), "out.json")
	if err := (report{Rounds: 2, Series: entries(r, cases)}).writeJSON(path); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Rounds int
		Series []struct {
			Case, Peer, Metric, Unit string
			Values                   []float64
			Median, Low, High        float64
			Ratio                    *float64 `json:"lameduck_ratio"`
		}
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	for _, s := range got.Series {
		if s.Metric != "cpu" {
			continue
		}
		if s.Unit != "µs" || len(s.Values) != 2 || s.Low != s.Values[0] || s.High != s.Values[1] {
			t.Errorf("the series is %+v", s)
		}
		if (s.Ratio == nil) != (s.Peer == lameduck) {
			t.Errorf("the ratio of lameduck to %s is %v", s.Peer, s.Ratio)
		}
	}
}

func TestReportWarnsOfABusyMachine(t *testing.T) {
	for share, want := range map[float64]bool{3: false, 30: true} {
		line := report{Series: []seriesEntry{{Metric: "foreign", Values: []float64{share}}}}.disturbance()
		if strings.Contains(line, "too much") != want {
			t.Errorf("with %.0f %% for others the report says %q", share, line)
		}
	}
}

func TestReportShowsNotesAndDisturbance(t *testing.T) {
	text := report{
		Notes:  []string{"round 1, keepalive, nginx: 3 requests failed next to 9000 that were answered"},
		Series: []seriesEntry{{Metric: "foreign", Values: []float64{1, 50, 3}}},
	}.markdown()
	for _, want := range []string{"- round 1, keepalive, nginx: 3 requests failed", "Others had 3 % of the proxy's core (1–50)."} {
		if !strings.Contains(text, want) {
			t.Errorf("the report has no %q:\n%s", want, text)
		}
	}
}
