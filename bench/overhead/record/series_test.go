package record

import "testing"

func TestSeriesHasItsDigits(t *testing.T) {
	for want, s := range map[string]Series{
		"37.5 (37.0–38.0)":       {Digits: 1, Summary: Summary{Median: 37.5, Low: 37, High: 38}},
		"4.4":                    {Digits: 1, Summary: Summary{Median: 4.4, Low: 4.38, High: 4.42}},
		"41,000 (40,000–42,000)": {Summary: Summary{Median: 41000, Low: 40000, High: 42000}},
		"≥ 900":                  {Summary: Summary{Median: 900, Low: 900, High: 900}, AtLeast: true},
		"≥ 900 (800–900)":        {Summary: Summary{Median: 900, Low: 800, High: 900}, AtLeast: true},
	} {
		if got := s.String(); got != want {
			t.Errorf("series %q, want %q", got, want)
		}
	}
	if got := (Series{Digits: 2}).Number(1234.5); got != "1,234.50" {
		t.Errorf("a value is %q", got)
	}
}

func TestSpreadIsThatOfTheFartherEnd(t *testing.T) {
	for _, tc := range []struct {
		s    Summary
		want float64
	}{
		{Summary{Median: 10, Low: 9, High: 12}, 0.2},
		{Summary{Median: 10, Low: 5, High: 12}, 0.5},
		{Summary{}, 0},
	} {
		if got := (Series{Summary: tc.s}).Spread(); got != tc.want {
			t.Errorf("the spread of %+v is %v, want %v", tc.s, got, tc.want)
		}
	}
}
