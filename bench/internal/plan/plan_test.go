package plan

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// shown records the names that a display shows, without repetitions.
type shown struct{ seen []string }

func (s *shown) Show(name string, done, total time.Duration) {
	if line := name + " " + TimeLeft(done, total); !slices.Contains(s.seen, line) {
		s.seen = append(s.seen, line)
	}
}

func (s *shown) Print(line string) { s.seen = append(s.seen, line) }

func (s *shown) Finish() { s.seen = append(s.seen, "finished") }

// sleeps returns a step that takes another time than expected.
func sleeps(name string, thought, takes time.Duration) Step {
	return Step{name, thought, func(context.Context) error {
		time.Sleep(takes)
		return nil
	}}
}

func TestPlanShowsTheTimeLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := Plan{
			sleeps("early", 3*time.Second, 950*time.Millisecond),
			sleeps("late", time.Second, 1950*time.Millisecond),
			sleeps("last", time.Second, 950*time.Millisecond),
		}
		var s shown
		if err := p.Run(t.Context(), &s); err != nil {
			t.Fatal(err)
		}
		const want = "early 5s left, late 2s left, late 1s left, last 1s left, finished"
		if got := strings.Join(s.seen, ", "); got != want {
			t.Errorf("shown\n  %s, want\n  %s", got, want)
		}
	})
}

func TestPlanEndsAtTheFirstFailure(t *testing.T) {
	broken := errors.New("broken")
	p := Plan{
		{"fails", 0, func(context.Context) error { return broken }},
		{"never", 0, func(context.Context) error { t.Error("the plan went on"); return nil }},
	}
	var s shown
	if err := p.Run(t.Context(), &s); err != broken {
		t.Errorf("got %v, want %v", err, broken)
	}
	if s.seen[len(s.seen)-1] != "finished" {
		t.Error("the display was not finished")
	}
}

func TestTimeLeftIsInMinutesWhereItIsLong(t *testing.T) {
	for left, want := range map[time.Duration]string{
		0:                      "0s left",
		1:                      "1s left",
		59 * time.Second:       "59s left",
		61*time.Minute + 1:     "1h1m1s left",
		1500 * time.Second:     "25m0s left",
		100 * time.Millisecond: "1s left",
	} {
		if got := TimeLeft(time.Second, time.Second+left); got != want {
			t.Errorf("%v: %q, want %q", left, got, want)
		}
	}
}

func TestLinesAreFew(t *testing.T) {
	for name, tc := range map[string]struct {
		every time.Duration
		want  string
	}{
		"one now and then":     {linePeriod, "one, 12s left\none, 7s left\nsaid\ntwo, 2s left\n"},
		"or one for each step": {time.Hour, "one, 12s left\nsaid\ntwo, 2s left\n"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var out strings.Builder
				d := &lines{out: &out, steps: true, every: tc.every}
				p := Plan{
					{"one", 10 * time.Second, func(context.Context) error {
						time.Sleep(7 * time.Second)
						d.Print("said")
						return nil
					}},
					sleeps("two", 2*time.Second, 2*time.Second),
				}
				p.Run(t.Context(), d)
				if out.String() != tc.want {
					t.Errorf("written\n%s, want\n%s", out.String(), tc.want)
				}
			})
		})
	}
}

func TestManyShortStepsShareALine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		d := NewPeriodicDisplay(&out)
		for i := range 100 {
			d.Show(strings.Repeat("x", i+1), time.Duration(i)*time.Second, 100*time.Second)
			time.Sleep(time.Second)
		}
		if n := strings.Count(out.String(), "\n"); n != 4 {
			t.Errorf("%d lines in 100 s, want one each half minute:\n%s", n, out.String())
		}
	})
}

func TestBarShowsNameAndTimeLeft(t *testing.T) {
	var out strings.Builder
	b := newBar(&out)
	b.Show("bare", 5*time.Second, 10*time.Second)
	b.Print("that one is done")
	b.Show("bare", 10*time.Second, 10*time.Second)
	b.Finish()
	for _, want := range []string{"bare", "5s left", " 50%", "that one is done\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the bar shows %q, want %q in it", out.String(), want)
		}
	}
}
