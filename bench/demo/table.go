package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"lameduck/bench/internal/table"
	"lameduck/bench/load"
	"lameduck/bench/trial"
)

// tabulate returns a table with a row for each trial. There is a column for each cause of a loss,
// and always one for 502.
func tabulate(trials []*trial.Result) table.Table {
	causes := causesOf(trials)
	t := table.Table{Header: header(causes)}
	t.Align = "l" + strings.Repeat("r", len(t.Header)-1)
	for _, r := range trials {
		t.Rows = append(t.Rows, row(r, causes))
	}
	return t
}

func causesOf(trials []*trial.Result) []load.Cause {
	return slices.DeleteFunc(load.Causes(), func(c load.Cause) bool {
		return c != load.BadGateway && !slices.ContainsFunc(trials, func(t *trial.Result) bool {
			return t.Load.ByCause()[c] > 0
		})
	})
}

func header(causes []load.Cause) []string {
	h := []string{"strategy", "requests", "lost"}
	for _, c := range causes {
		h = append(h, string(c))
	}
	return append(h, "502 rate", "rollout", "median pod end")
}

func row(t *trial.Result, causes []load.Cause) []string {
	by := t.Load.ByCause()
	r := []string{t.Strategy, fmt.Sprint(t.Load.Requests()), fmt.Sprint(t.Lost())}
	for _, c := range causes {
		r = append(r, fmt.Sprint(by[c]))
	}
	rate := 100 * float64(by[load.BadGateway]) / float64(max(t.Load.Requests(), 1))
	return append(r, fmt.Sprintf("%.2f %%", rate), seconds(t.RolloutTook()), seconds(t.MedianTermination()))
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }
