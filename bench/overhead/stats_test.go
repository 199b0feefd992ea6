package main

import (
	"testing"

	"lameduck/bench/overhead/record"
)

func TestSummariseReturnsTheMedianAndTheExtremes(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   record.Summary
	}{
		{nil, record.Summary{}},
		{[]float64{7}, record.Summary{Median: 7, Low: 7, High: 7}},
		{[]float64{9, 1, 5}, record.Summary{Median: 5, Low: 1, High: 9}},
		{[]float64{4, 1, 3, 2}, record.Summary{Median: 2.5, Low: 1, High: 4}},
	} {
		if got := summarise(c.values); got != c.want {
			t.Errorf("summarise(%v) = %+v, want %+v", c.values, got, c.want)
		}
	}
}

func TestMedianLeavesTheRoundsInTheirOrder(t *testing.T) {
	values := []float64{3, 1, 2}
	median(values)
	if values[0] != 3 || values[1] != 1 {
		t.Errorf("values became %v: rounds can no longer be paired", values)
	}
}

func TestPairedRatioIsTakenRoundByRound(t *testing.T) {
	// The machine was three times slower in the second round: the ratio of
	// the medians would be 12/13, although ours was half of theirs twice.
	ours, theirs := []float64{12, 39, 5}, []float64{13, 78, 10}
	if got, ok := pairedRatio(ours, theirs); !ok || got != 0.5 {
		t.Errorf("pairedRatio = %v, %v, want 0.5", got, ok)
	}
}

func TestPairedRatioNeedsPairs(t *testing.T) {
	for _, c := range [][2][]float64{
		{nil, nil},
		{{1, 2}, {1}},
		{{1}, {0}},
	} {
		if _, ok := pairedRatio(c[0], c[1]); ok {
			t.Errorf("pairedRatio(%v, %v) claims to be one", c[0], c[1])
		}
	}
}
