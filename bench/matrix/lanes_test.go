package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// waits are cells that take the given times in seconds, at so many requests per second.
func waits(perSecond float64, seconds ...int) []cell {
	var cells []cell
	for i, s := range seconds {
		c := newCell("g", fmt.Sprint(i), bare(), rate(perSecond), lags(0), replicas(1))
		c.settling = time.Duration(s)*time.Second - c.takes()
		cells = append(cells, c)
	}
	return cells
}

func TestHeavyCellsAreRunAlone(t *testing.T) {
	alone, together := split(append(waits(21, 1, 2), waits(20, 3)...))
	if len(alone) != 2 || len(together) != 1 {
		t.Errorf("%d alone and %d together, want 2 and 1", len(alone), len(together))
	}
}

func TestLanesTakeTheLongestFirst(t *testing.T) {
	for name, tc := range map[string]struct {
		lanes int
		cells []int
		want  time.Duration
	}{
		"one lane adds up":              {1, []int{1, 2, 3}, 6 * time.Second},
		"a lane for each":               {3, []int{1, 2, 3}, 3 * time.Second},
		"the last one does not wait":    {2, []int{1, 1, 1, 1, 4}, 4 * time.Second},
		"no cell takes no time":         {2, nil, 0},
		"a lane is free before another": {2, []int{5, 3, 3}, 6 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := pool{lanes: tc.lanes, cells: longestFirst(waits(1, tc.cells...))}
				if got := p.takes(); got != tc.want {
					t.Errorf("estimated time %v, want %v", got, tc.want)
				}
				began := time.Now()
				runPools(t.Context(), []pool{p}, func(_ context.Context, c cell) bool {
					time.Sleep(c.takes())
					return true
				})
				if took := time.Since(began); took != tc.want {
					t.Errorf("it took %v, want %v", took, tc.want)
				}
			})
		})
	}
}

func TestRareCellsDoNotWaitForLightOnes(t *testing.T) {
	all := pools(append(waits(20, make([]int, 9)...), waits(0.2, 1, 2)...))
	if len(all) != 2 || len(all[0].cells) != 9 || len(all[1].cells) != 2 || all[0].lanes >= all[1].lanes {
		t.Errorf("pools are %+v", all)
	}
}

func TestAllLanesEndWhenOneEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		begun := 0
		p := pool{lanes: 2, cells: waits(1, 1, 1, 1, 1, 1, 1, 1)}
		runPools(t.Context(), []pool{p}, func(_ context.Context, c cell) bool {
			mu.Lock()
			begun++
			n := begun
			mu.Unlock()
			time.Sleep(time.Duration(n) * time.Second)
			return n != 3
		})
		if begun > 5 { // two lanes, and one more cell queued in each
			t.Errorf("%d cells were started although the third one ended the run", begun)
		}
	})
}

func TestPlanShowsTheTimeOfAllCells(t *testing.T) {
	var m matrix
	p := m.plan(append(waits(100, 4, 5), waits(20, 6, 7)...))
	var got []string
	for _, s := range p {
		got = append(got, fmt.Sprintf("%s %v", s.Name, s.Takes))
	}
	if want := "g/0/bare 4s, g/1/bare 5s, 2 cells in lanes 7s"; strings.Join(got, ", ") != want {
		t.Errorf("plan %s, want %s", strings.Join(got, ", "), want)
	}
}

func TestList(t *testing.T) {
	lameduck := newCell("g", "w", native(hold), rate(100), lags(time.Second))
	var out strings.Builder
	list(&out, append(waits(20, 10), lameduck))
	for _, want := range []string{
		"g/0/bare", "in lanes", "10s", "200 requests",
		"g/w/native", "alone", "no loss",
		"2 cells, about 18s, about 960 requests, 760 of them behind Lameduck",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the list is\n%s, want %q in it", out.String(), want)
		}
	}
}
