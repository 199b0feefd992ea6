package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// shown records what a display is told, without repetitions.
type shown struct{ seen []string }

func (s *shown) show(name string, done, total time.Duration) {
	if line := name + " " + timeLeft(done, total); !slices.Contains(s.seen, line) {
		s.seen = append(s.seen, line)
	}
}

func (s *shown) finish() { s.seen = append(s.seen, "finished") }

// sleeps returns a step that is thought to take one time and takes another.
func sleeps(name string, thought, takes time.Duration) step {
	return step{name, thought, func(context.Context) error {
		time.Sleep(takes)
		return nil
	}}
}

func TestPlanShowsTheTimeLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := plan{
			sleeps("early", 3*time.Second, 950*time.Millisecond),
			sleeps("late", time.Second, 1950*time.Millisecond),
			sleeps("last", time.Second, 950*time.Millisecond),
		}
		var s shown
		if err := p.run(t.Context(), &s); err != nil {
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
	p := plan{
		{"fails", 0, func(context.Context) error { return broken }},
		{"never", 0, func(context.Context) error { t.Error("the plan went on"); return nil }},
	}
	var s shown
	if err := p.run(t.Context(), &s); err != broken {
		t.Errorf("got %v, want %v", err, broken)
	}
	if s.seen[len(s.seen)-1] != "finished" {
		t.Error("the display was not finished")
	}
}

func TestLinesAreFew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		p := plan{sleeps("one", 10*time.Second, 7*time.Second), sleeps("two", 2*time.Second, 2*time.Second)}
		p.run(t.Context(), &lines{out: &out})
		if want := "one, 12s left\none, 7s left\ntwo, 2s left\n"; out.String() != want {
			t.Errorf("written\n%s, want\n%s", out.String(), want)
		}
	})
}

func TestBarShowsNameAndTimeLeft(t *testing.T) {
	var out strings.Builder
	b := newBar(&out)
	b.show("bare", 5*time.Second, 10*time.Second)
	b.show("bare", 10*time.Second, 10*time.Second)
	b.finish()
	for _, want := range []string{"bare", "5s left", " 50%"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the bar shows %q, want %q in it", out.String(), want)
		}
	}
}
