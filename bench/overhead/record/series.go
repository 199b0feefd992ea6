package record

import (
	"fmt"

	"lameduck/bench/internal/table"
)

// A Series has the values of one metric of one peer in one case.
type Series struct {
	Case   string    `json:"case"`
	Peer   string    `json:"peer"`
	Metric string    `json:"metric"`
	Title  string    `json:"title"`
	Unit   string    `json:"unit,omitempty"`
	Digits int       `json:"digits"`           // to show after the decimal point
	Hidden bool      `json:"hidden,omitempty"` // not in the table
	Values []float64 `json:"values"`
	Summary
	// AtLeast means that the values are lower bounds, since the load was too low.
	AtLeast bool `json:"at_least,omitempty"`
	// Ratio is lameduck's value divided by this peer's, computed round by round. It is 0 if there
	// is none.
	Ratio float64 `json:"lameduck_ratio,omitempty"`
}

// A Summary has the median and the range of values.
type Summary struct {
	Median float64 `json:"median"`
	Low    float64 `json:"low"`
	High   float64 `json:"high"`
}

// String formats the median, and the range if its ends differ as formatted.
func (s Series) String() string {
	text := s.Format(s.Digits)
	if s.AtLeast {
		return "≥ " + text
	}
	return text
}

// Number formats a value with the digits of the series.
func (s Series) Number(v float64) string { return table.Number(v, s.Digits) }

// Spread returns the largest difference of a value from the median, as a share of the median.
func (s Series) Spread() float64 {
	if s.Median == 0 {
		return 0
	}
	return max(s.High-s.Median, s.Median-s.Low) / s.Median
}

// Format formats the median, and the range if its ends differ as formatted.
func (s Summary) Format(digits int) string {
	median, low, high := table.Number(s.Median, digits), table.Number(s.Low, digits), table.Number(s.High, digits)
	if low == high {
		return median
	}
	return fmt.Sprintf("%s (%s–%s)", median, low, high)
}
