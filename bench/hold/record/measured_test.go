package record

import "testing"

func TestMeasuredKeepsItsLimits(t *testing.T) {
	limits := &Limits{AfterP50: 6, AfterP90: 9}
	good, slow := Drain{Requests: 10, Last: 2, Hold: 7.5}, Drain{Requests: 10, Last: 2, Hold: 14}
	lost := good
	lost.Lost = 1
	for name, test := range map[string]struct {
		limits *Limits
		drains []Drain
		keeps  bool
	}{
		"all good":              {limits, []Drain{good, good, good}, true},
		"one request lost":      {limits, []Drain{good, lost, good}, false},
		"half are slow":         {limits, []Drain{good, slow}, false},
		"lost without limits":   {nil, []Drain{lost}, false},
		"slow without limits":   {nil, []Drain{slow}, true},
		"no request in a drain": {limits, []Drain{{Requests: 5, Last: -1, Hold: 5.2}}, true},
	} {
		if got := (MeasuredShape{Limits: test.limits, Drains: test.drains}).Keeps(); got != test.keeps {
			t.Errorf("%s: keeps is %v", name, got)
		}
	}
}

func TestQuantile(t *testing.T) {
	values := []float64{5, 1, 4, 2, 3, 6, 7, 8, 9, 10}
	for q, want := range map[float64]float64{0: 1, 0.5: 6, 0.9: 10, 1: 10} {
		if got := quantile(values, q); got != want {
			t.Errorf("quantile %v is %v, want %v", q, got, want)
		}
	}
	if got := quantile(nil, 0.5); got != 0 {
		t.Errorf("quantile of an empty list %v", got)
	}
}
