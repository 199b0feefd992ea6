package main

import (
	"slices"

	"lameduck/bench/overhead/record"
)

// summarise returns the summary of values. It is zero if there are none.
func summarise(values []float64) record.Summary {
	if len(values) == 0 {
		return record.Summary{}
	}
	return record.Summary{Median: median(values), Low: slices.Min(values), High: slices.Max(values)}
}

// median returns the median. For an even number of values it is the mean of the two in the middle.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	half := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[half]
	}
	return (sorted[half-1] + sorted[half]) / 2
}

// pairedRatio returns the median of a/b in each round. A slow phase of the machine affects both
// values of a round, so this varies less than the ratio of medians. It reports false if the two
// were not measured in the same rounds.
func pairedRatio(a, b []float64) (float64, bool) {
	if len(a) == 0 || len(a) != len(b) {
		return 0, false
	}
	var ratios []float64
	for i := range a {
		if b[i] == 0 {
			return 0, false
		}
		ratios = append(ratios, a[i]/b[i])
	}
	return median(ratios), true
}

// medianRatio returns the ratio of the medians. It is for small differences: in rounds in which b
// is near zero, the ratio would be arbitrary. It reports false if b has no positive median.
func medianRatio(a, b []float64) (float64, bool) {
	if len(a) == 0 || len(b) == 0 || median(b) <= 0 {
		return 0, false
	}
	return median(a) / median(b), true
}

// minus returns the differences of two series of the same length.
func minus(a, b []float64) []float64 {
	var differences []float64
	for i := range a {
		differences = append(differences, a[i]-b[i])
	}
	return differences
}
