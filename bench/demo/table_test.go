package main

import (
	"testing"
	"time"

	"lameduck/bench/load"
	"lameduck/bench/trial"
)

func TestTable(t *testing.T) {
	trials := []*trial.Result{
		result("bare", 1000, 0, load.BadGateway, load.Truncated, load.BadGateway),
		result("preStop sleep 1s", 10, time.Second, load.Reset),
		result("lameduck", 12345, 4040*time.Millisecond),
	}
	const want = `
strategy          requests  lost  502  reset  truncated  502 rate  rollout  median pod end
──────────────────────────────────────────────────────────────────────────────────────────
bare                  1000     3    2      0          1    0.20 %    1.0 s           0.0 s
preStop sleep 1s        10     1    0      1          0    0.00 %    2.0 s           1.0 s
lameduck             12345     0    0      0          0    0.00 %    5.0 s           4.0 s
`
	if got := "\n" + tabulate(trials).Text(); got != want {
		t.Errorf("table is%s\nwant%s", got, want)
	}
}
