package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"lameduck/bench/load"
	"lameduck/bench/trial"
)

// writeTable writes one line for each trial, with a column for each cause of which there was a loss, and always
// one for 502.
func writeTable(w io.Writer, trials []*trial.Result) {
	causes := causesOf(trials)
	rows := [][]string{header(causes)}
	for _, t := range trials {
		rows = append(rows, row(t, causes))
	}
	writeAligned(w, rows)
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

// writeAligned writes rows with columns as wide as their widest cell, the first to the left and the others to the
// right, and a rule below the first row.
func writeAligned(w io.Writer, rows [][]string) {
	widths := make([]int, len(rows[0]))
	for _, r := range rows {
		for i, cell := range r {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for i, r := range rows {
		writeRow(w, r, widths)
		if i == 0 {
			fmt.Fprintln(w, strings.Repeat("─", sum(widths)+2*(len(widths)-1)))
		}
	}
}

func writeRow(w io.Writer, cells []string, widths []int) {
	fmt.Fprintf(w, "%-*s", widths[0], cells[0])
	for i, cell := range cells[1:] {
		fmt.Fprintf(w, "  %*s", widths[i+1], cell)
	}
	fmt.Fprintln(w)
}

func sum(ns []int) (s int) {
	for _, n := range ns {
		s += n
	}
	return s
}
