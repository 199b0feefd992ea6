package main

import (
	"fmt"
	"time"

	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"

	"lameduck/bench/matrix/record"
)

// A timeline shows one cell around its first t0: losses as bars, and below them each pod as a line
// from its t0 to its end. The shaded area is the time in which the load balancer still sends to a
// terminating pod.
type timeline struct {
	figure
	x, y scale // seconds since the first t0; requests lost per second
	// pods is the height of the pods' lines below the zero of y.
	pods vg.Length
}

func (t timeline) draw(c record.Cell) {
	zero := t.y.of(0)
	last := removed(c)
	t.box(t.x.of(0), zero-t.pods, t.x.of(last), t.y.end, shade)
	t.line(t.x.at, zero, t.x.end, zero, 0.75, faint)
	t.line(t.x.of(0), zero-t.pods, t.x.of(0), t.y.end, 0.75, muted)
	t.line(t.x.of(last), zero-t.pods, t.x.of(last), t.y.end, 0.75, muted, 3, 2)
	for _, b := range c.Bins {
		from := seconds(b.At)
		to := from + record.BinWidth.Seconds()
		if b.Lost > 0 && to > t.x.from && from < t.x.to {
			t.box(t.x.of(from)+0.4, zero, t.x.of(to)-0.4, t.y.of(perSecond(b)), red)
		}
	}
	t.drawPods(c)
}

func (t timeline) drawPods(c record.Cell) {
	shown := c.Pods[:min(len(c.Pods), 6)]
	step := t.pods / vg.Length(len(shown)+1)
	for i, p := range shown {
		y := t.y.of(0) - step*vg.Length(i+1)
		from, end := seconds(p.T0), seconds(p.T0+p.Took)
		t.line(t.x.of(from), y, t.x.of(end), y, 2.2, colourOf(c.Setup.Family))
		// Draw a tick at both ends, so that a pod that ends at once is visible.
		for _, at := range []float64{from, end} {
			if at <= t.x.to {
				t.line(t.x.of(at), y-2, t.x.of(at), y+2, 1.2, colourOf(c.Setup.Family))
			}
		}
	}
}

// axis draws the seconds below y.
func (t timeline) axis(y vg.Length, every float64) {
	style := textStyle(10.5, muted)
	style.XAlign, style.YAlign = text.XCenter, text.YTop
	for v := every * float64(int(t.x.from/every)); v <= t.x.to; v += every {
		t.line(t.x.of(v), y, t.x.of(v), y-3, 0.75, muted)
		t.write(t.x.of(v), y-4, style, fmt.Sprintf("%g", v))
	}
}

// removed returns when the load balancer had removed the last pod, in seconds since the first t0.
func removed(c record.Cell) float64 {
	last := 0.0
	for _, p := range c.Pods {
		last = max(last, seconds(p.T0+p.Lag))
	}
	return last
}

// gone returns when the last pod had ended, in seconds since the first t0.
func gone(c record.Cell) float64 {
	last := 0.0
	for _, p := range c.Pods {
		last = max(last, seconds(p.T0+p.Took))
	}
	return last
}

func perSecond(b record.Bin) float64 { return float64(b.Lost) / record.BinWidth.Seconds() }

// worst returns the most requests per second that any cell lost in a bin, but at least 1.
func worst(cells []record.Cell) float64 {
	most := 1.0
	for _, c := range cells {
		for _, b := range c.Bins {
			most = max(most, perSecond(b))
		}
	}
	return most
}

func seconds(s record.Seconds) float64 { return time.Duration(s).Seconds() }
