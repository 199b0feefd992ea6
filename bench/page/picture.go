package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"

	"lameduck/bench/internal/table"
	"lameduck/bench/matrix/record"
)

// pictured returns the cells of the picture: bare pods, one sleep that is too short, one that is
// longer than necessary, and Lameduck, all behind the same load balancer. HAProxy is preferred,
// since nginx avoids a pod for 10 s after a failure, which most others do not. It returns nil if
// the record has no such cells.
func (r results) pictured() []record.Cell {
	if r.rollouts == nil {
		return nil
	}
	best := []record.Cell(nil)
	for _, where := range []string{"haproxy", "built-in", "nginx"} {
		if found := contrast(r.rollouts.Of("balancers"), where); len(found) > len(best) {
			best = found
		}
	}
	if len(best) < 2 {
		return nil
	}
	return best
}

// contrast returns the cells of one load balancer that show the differences between strategies.
func contrast(cells []record.Cell, where string) []record.Cell {
	pick := func(match func(record.Cell) bool) []record.Cell {
		var found []record.Cell
		for _, c := range cells {
			if c.Where() == where && match(c) {
				found = append(found, c)
			}
		}
		return found
	}
	first := func(found []record.Cell) []record.Cell { return found[:min(len(found), 1)] }
	last := func(found []record.Cell) []record.Cell { return found[max(0, len(found)-1):] }
	short := pick(func(c record.Cell) bool { return c.Setup.Family == record.Sleep && slept(c) < c.Setup.Lag() })
	long := pick(func(c record.Cell) bool { return c.Setup.Family == record.Sleep && slept(c) > c.Setup.Lag() })
	return slices.Concat(
		first(pick(func(c record.Cell) bool { return c.Setup.Family == record.Bare })),
		first(short), last(long),
		first(pick(func(c record.Cell) bool { return c.Setup.Family == record.Lameduck })),
	)
}

const (
	pictureWidth = 800
	rowHeight    = 82
	podsHeight   = 22
)

// picture draws what a rollout loses, and how long its pods take to terminate. It returns "" if the
// record has too few cells.
func (r results) picture() string {
	cells := r.pictured()
	if len(cells) == 0 {
		return ""
	}
	const head, foot = 66, 44
	height := vg.Length(head + foot + rowHeight*len(cells))
	f := newFigure(pictureWidth, height)
	s := cells[0].Setup
	f.write(16, height-26, bold(textStyle(16, ink)), fmt.Sprintf(
		"%s pods are replaced behind %s, which removes each %s late", capital(words(s.Replicas)),
		balancerName(s.Balancer), plainSeconds(seconds(record.Seconds(s.Lag())))))
	f.write(16, height-45, textStyle(11.5, muted), fmt.Sprintf("Bars: requests lost per second, of %s. "+
		"Lines: termination of each pod. Shaded: the load balancer still sends to the pods.", number0(s.Rate)))
	x := scale{-1.5, pictureEnd(cells), 168, 640}
	for i, c := range cells {
		bottom := height - vg.Length(head+rowHeight*(i+1))
		t := timeline{f, x, scale{0, worst(cells), bottom + podsHeight + 4, bottom + rowHeight - 8}, podsHeight}
		t.draw(c)
		f.labels(t, c)
		if left := x.of(removed(c)) + 6; i == 0 && left < 430 {
			f.write(left, t.y.end-10, textStyle(11, muted), "the load balancer removes the last pod")
		}
		if i == len(cells)-1 {
			t.axis(bottom+2, axisStep(x))
		}
	}
	style := textStyle(11.5, muted)
	style.XAlign = text.XCenter
	f.write((x.at+x.end)/2, 9, style, "seconds since the first termination began")
	return f.finish(pictureText(cells))
}

// labels writes the strategy to the left of its row, and its losses to the right.
func (f figure) labels(t timeline, c record.Cell) {
	middle := (t.y.at + t.y.end) / 2
	colour := ink
	if c.Setup.Family == record.Lameduck {
		colour = blue
	}
	f.write(16, middle+1, bold(textStyle(14, colour)), shortName(c))
	median, _ := c.Termination()
	f.write(16, middle-15, textStyle(11.5, muted), fmt.Sprintf("pods end after %v", median))
	if c.Lost == 0 {
		f.write(656, middle+1, bold(textStyle(18, colour)), "none lost")
		f.write(656, middle-15, textStyle(11.5, muted), fmt.Sprintf("of %s requests", table.Count(c.Requests)))
		return
	}
	f.write(656, middle+1, bold(textStyle(18, red)), fmt.Sprintf("%.1f %% lost", 100*c.Share()))
	f.write(656, middle-15, textStyle(11.5, muted),
		fmt.Sprintf("%s of %s requests", table.Count(c.Lost), table.Count(c.Requests)))
}

// pictureEnd returns the end of the time axis, shortly after the end of the last pod.
func pictureEnd(cells []record.Cell) float64 {
	end := 0.0
	for _, c := range cells {
		end = max(end, gone(c), removed(c))
	}
	return end + 1
}

func axisStep(x scale) float64 { return roundStep((x.to - x.from) / 12) }

// pictureText returns the alternative text of the picture.
func pictureText(cells []record.Cell) string {
	var all []string
	for _, c := range cells {
		median, _ := c.Termination()
		all = append(all, fmt.Sprintf("%s: %s of %s requests lost, pods end after %v",
			c.Setup.Strategy, table.Count(c.Lost), table.Count(c.Requests), median))
	}
	return strings.Join(all, "; ")
}

func slept(c record.Cell) time.Duration { return time.Duration(c.Setup.Delay) }
