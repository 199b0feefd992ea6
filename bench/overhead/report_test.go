package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lameduck/bench/internal/table"
	"lameduck/bench/overhead/record"
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
			t.Errorf("series %+v", s)
		}
		if (s.Ratio == nil) != (s.Peer == lameduck) {
			t.Errorf("the ratio of lameduck to %s is %v", s.Peer, s.Ratio)
		}
	}
}

func TestReportWarnsOfABusyMachine(t *testing.T) {
	for share, want := range map[float64]bool{3: false, 30: true} {
		lines := report{Series: []record.Series{{Metric: "foreign", Values: []float64{share}}}}.disturbances()
		if len(lines) != 1 || strings.Contains(lines[0], "too much for reliable results") != want {
			t.Errorf("with %.0f %% for others the report has %q", share, lines)
		}
	}
}

func TestReportWarnsOfALoadThatIsLate(t *testing.T) {
	for late, want := range map[float64]bool{40: false, 60: true} {
		lines := report{Series: []record.Series{
			{Peer: direct, Metric: "p99", Values: []float64{100, 90, 110}},
			{Peer: "nginx", Metric: "p99", Values: []float64{500}},
			{Peer: "nginx", Metric: "late_p99", Values: []float64{late}},
		}}.disturbances()
		if len(lines) != 1 || strings.Contains(lines[0], "too much for reliable latencies") != want {
			t.Errorf("with a load %.0f µs late the report has %q", late, lines)
		}
	}
}

func TestReportShowsNotesAndDisturbance(t *testing.T) {
	text := report{
		Cases:  []record.Case{{Name: "keepalive", Title: "many answers"}},
		Peers:  []record.Peer{{Name: "nginx", Title: "with a pool", Version: "1.22.1"}, {Name: "direct", Title: "no proxy"}},
		Notes:  []string{"round 1, keepalive, nginx: 3 requests failed and 9000 were answered"},
		Series: []record.Series{{Metric: "foreign", Values: []float64{1, 50, 3}}},
	}.markdown(table.Table{})
	for _, want := range []string{
		"- keepalive: many answers\n", "- nginx 1.22.1: with a pool\n", "- direct: no proxy\n",
		"- round 1, keepalive, nginx: 3 requests failed", "Other processes used 3 % of the proxy's core (1–50).",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the report has no %q:\n%s", want, text)
		}
	}
}
