package silence

import (
	"math"
	"testing"
	"time"
)

func TestPaused_AGapThatMayBeAPauseIsNotRecorded(t *testing.T) {
	const ms = time.Millisecond
	for name, test := range map[string]struct {
		at   time.Duration // of the second exchange; the first is at 1 s, the pause from 1.1 to 1.3 s
		want time.Duration
	}{
		"a gap that ends before the pause":     {1050 * ms, 50 * ms},
		"a gap with the pause":                 {1350 * ms, 0},
		"a gap that is longer than two pauses": {1450 * ms, 450 * ms},
	} {
		var tracker Tracker
		s := source(&tracker, "192.0.2.1", Observed)
		calls(s, time.Second)
		if test.at > 1300*ms {
			tracker.Paused(200*ms, 1300*ms)
		}
		calls(s, test.at)
		if got := longestGap(s, 2*time.Second); got != test.want {
			t.Errorf("%s: the longest gap is %v, want %v", name, got, test.want)
		}
		calls(s, test.at+150*ms)
		if got := longestGap(s, 2*time.Second); got != max(test.want, 150*ms) {
			t.Errorf("%s: the longest gap is %v after one of 150 ms", name, got)
		}
	}
}

// Half of the requests are not recorded, also while older counts fade.
func TestPaused_TheRateIsThatOfTheTimeBetweenPauses(t *testing.T) {
	var tracker Tracker
	s := source(&tracker, "192.0.2.1", Observed)
	const step = 100 * time.Millisecond
	for at := time.Duration(0); at < 5*Window; at += 10 * step {
		for i := range time.Duration(5) {
			calls(s, at+i*step)
		}
		tracker.Paused(5*step, at+10*step)
		if minute := time.Minute; at%minute == 0 && at >= minute {
			w := tracker.snapshot(at + 10*step)
			if rate := w.sources[0].rate; math.Abs(rate-10) > 0.5 {
				t.Fatalf("%.2f requests per second at %v, want 10", rate, at)
			}
		}
	}
}
