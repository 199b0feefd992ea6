package main

import (
	"strings"
	"testing"
)

// sample is a run of two rounds with two cases and three peers.
func sample() (*results, []benchCase, []peer) {
	cases := []benchCase{
		{Name: "keepalive", Metrics: []metric{
			{Name: "cpu", Title: "CPU per request", Unit: "µs", Digits: 1},
			{Name: "cpu_whole", Hidden: true},
			{Name: "rate", Title: "requests per second", AtLeast: "busy"},
			{Name: "busy", Title: "core in use", Unit: "%", Alone: true},
		}},
		{Name: "binary", Metrics: []metric{{Name: "size", Title: "stripped binary", Unit: "MB", Digits: 1}}},
	}
	peers := []peer{{Name: "direct"}, {Name: "nginx"}, {Name: lameduck}}
	r := &results{}
	for _, v := range []struct {
		c      int
		peer   string
		values map[string]float64
	}{
		{0, "direct", map[string]float64{"rate": 41234}},
		{0, "nginx", map[string]float64{"cpu": 14, "cpu_whole": 14, "rate": 20000, "busy": 99}},
		{0, lameduck, map[string]float64{"cpu": 12, "cpu_whole": 12, "rate": 22000, "busy": 88}},
		{0, "direct", map[string]float64{"rate": 41236}},
		{0, "nginx", map[string]float64{"cpu": 16, "cpu_whole": 16, "rate": 20000}},
		{0, lameduck, map[string]float64{"cpu": 12.4, "cpu_whole": 12, "rate": 22000}},
		{1, lameduck, map[string]float64{"size": 9.96}},
	} {
		r.add(step{Case: cases[v.c], Peers: []peer{{Name: v.peer}}}, []measurement{{Values: v.values}})
	}
	return r, cases, peers
}

func TestTable(t *testing.T) {
	r, cases, peers := sample()
	want := strings.Join([]string{
		"|  | direct | nginx | lameduck |",
		"| --- | ---: | ---: | ---: |",
		"| **keepalive** CPU per request, µs | – | 15.0 (14.0–16.0) | 12.2 (12.0–12.4) |",
		"| lameduck ÷ peer |  | 0.82 |  |",
		"| **keepalive** requests per second | 41,235 (41,234–41,236) | 20,000 | ≥ 22,000 |",
		"| lameduck ÷ peer | 0.53 | 1.10 |  |",
		"| **keepalive** core in use, % | – | 99 | 88 |",
		"| **binary** stripped binary, MB | – | – | 10.0 |",
		"",
	}, "\n")
	if got := tabulate(r, cases, peers).Markdown(); got != want {
		t.Errorf("the table is\n%swant\n%s", got, want)
	}
}
