package main

import "slices"

// A summary tells a few values by their middle and their ends.
type summary struct {
	Median float64 `json:"median"`
	Low    float64 `json:"low"`
	High   float64 `json:"high"`
}

// summarise returns the zero summary for no values.
func summarise(values []float64) summary {
	if len(values) == 0 {
		return summary{}
	}
	return summary{Median: median(values), Low: slices.Min(values), High: slices.Max(values)}
}

// median of an even number of values is the mean of the two in the middle.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	half := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[half]
	}
	return (sorted[half-1] + sorted[half]) / 2
}

// pairedRatio is the median of a/b round by round. What slows the machine for
// a while slows both of a pair, so this is steadier than the ratio of medians.
// It reports false when the two were not measured in the same rounds.
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

// medianRatio is for differences, which are small next to what they are taken
// from: rounds in which one of them is near zero would yield any ratio. It
// reports false where b has no positive median.
func medianRatio(a, b []float64) (float64, bool) {
	if len(a) == 0 || len(b) == 0 || median(b) <= 0 {
		return 0, false
	}
	return median(a) / median(b), true
}

// minus is the difference of two series of the same length, round by round.
func minus(a, b []float64) []float64 {
	var differences []float64
	for i := range a {
		differences = append(differences, a[i]-b[i])
	}
	return differences
}
