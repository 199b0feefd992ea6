package main

import (
	"testing"
	"time"
)

func TestEvaluate(t *testing.T) {
	o := outcome{Answers: 100_000, Seconds: 2}
	m := meters{
		Proxy: usage{Precise: 1500 * time.Millisecond, Whole: 1510 * time.Millisecond},
		Core:  1700 * time.Millisecond,
		Wall:  2500 * time.Millisecond, // wrk needs some for itself
	}
	got := evaluate(o, m, true, microseconds)
	for name, want := range map[string]float64{"cpu": 15, "cpu_whole": 15.1, "rate": 50_000, "busy": 75, "foreign": 8} {
		if diff := got.Values[name] - want; diff > 1e-9 || diff < -1e-9 {
			t.Errorf("%s is %v, want %v", name, got.Values[name], want)
		}
	}
	if len(got.Notes) != 0 {
		t.Errorf("notes %q, want none", got.Notes)
	}
}

func TestEvaluateWithoutProxyIsTheRateAlone(t *testing.T) {
	got := evaluate(outcome{Answers: 10, Seconds: 2}, meters{}, false, milliseconds)
	if len(got.Values) != 1 || got.Values["rate"] != 5 {
		t.Errorf("values %v", got.Values)
	}
}

func TestEvaluateNotesWhatTheReaderMustKnow(t *testing.T) {
	m := meters{Proxy: usage{Precise: time.Second, Whole: 1100 * time.Millisecond}, Wall: time.Second}
	got := evaluate(outcome{Answers: 1000, Seconds: 2, Failed: 3}, m, true, microseconds)
	if len(got.Notes) != 2 {
		t.Errorf("notes %q, want one on failures and one on ended threads", got.Notes)
	}
}
