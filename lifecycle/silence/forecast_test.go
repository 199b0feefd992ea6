package silence

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
)

func TestBucketsCoverTheWindow(t *testing.T) {
	const ms = time.Millisecond
	for _, gap := range []time.Duration{0, 1, ms, 2 * ms, 29 * ms, time.Second, 20 * time.Second, Window} {
		b := bucketOf(gap)
		if gap.Seconds() < edges[b] || gap.Seconds() >= edges[b+1] {
			t.Errorf("%v is in bucket %d, which has %.4f to %.4f s", gap, b, edges[b], edges[b+1])
		}
	}
}

func TestForecastWaitsForExchangesInFlightAndForQuiet(t *testing.T) {
	var tracker Tracker
	s := source(&tracker, "192.0.2.1", Direct)
	s.Begin(time.Second)
	if f := tracker.Forecast(rule, 2*time.Second); f.InFlight != 1 {
		t.Errorf("forecast %+v, want one exchange in flight", f)
	}
	s.End(3 * time.Second)
	f := tracker.Forecast(rule, 4*time.Second)
	if f.InFlight != 0 || f.SilentIn != 4*time.Second || f.Required != quiet {
		t.Errorf("forecast %+v, want silent in 4s", f)
	}
}

func TestForecastWithoutSources(t *testing.T) {
	if f := new(Tracker).Forecast(rule, time.Minute); f != (Forecast{Idle: true}) {
		t.Errorf("forecast without a source %+v, want no more requests", f)
	}
}

// endOfHold returns when the hold ends by the forecast, counted from start.
func endOfHold(tracker *Tracker, start time.Duration) time.Duration {
	for now := start + quiet; ; {
		f := tracker.Forecast(rule, now)
		if f.SilentIn <= 0 {
			return now - start
		}
		now += f.SilentIn
	}
}

func TestWhatTheRuleConcludes(t *testing.T) {
	for _, test := range []struct {
		name     string
		calls    func(*Tracker)
		from, to time.Duration
	}{
		{"a busy source that falls silent is believed after Quiet", func(tr *Tracker) {
			calls(source(tr, "192.0.2.1", Proxy), every(50*time.Millisecond, 0, start+2*time.Second)...)
		}, 7 * time.Second, 8 * time.Second},
		{"one that calls every 20 s is waited for", func(tr *Tracker) {
			calls(source(tr, "192.0.2.1", Proxy), every(20*time.Second, 0, start)...)
		}, 25 * time.Second, 45 * time.Second},
		{"forty slow callers together are believed soon", func(tr *Tracker) {
			for i := range 40 {
				at := every(5*time.Second, time.Duration(i)*125*time.Millisecond, start+2*time.Second)
				calls(source(tr, fmt.Sprintf("192.0.2.%d", i), Direct), at...)
			}
		}, 7 * time.Second, 9 * time.Second},
		{"a proxy is not judged by the silence of direct callers", func(tr *Tracker) {
			for i := range 40 {
				at := every(5*time.Second, time.Duration(i)*125*time.Millisecond, start+time.Second)
				calls(source(tr, fmt.Sprintf("192.0.2.%d", i), Direct), at...)
			}
			calls(source(tr, "198.51.100.1", Proxy), every(20*time.Second, 0, start)...)
		}, 25 * time.Second, 45 * time.Second},
		{"one that has paused for a third of the time in which it was seen is waited for", func(tr *Tracker) {
			calls(source(tr, "192.0.2.1", Observed), every(20*time.Millisecond, start-30*time.Second, start-29*time.Second)...)
			calls(source(tr, "192.0.2.1", Observed), every(20*time.Millisecond, start-18*time.Second, start+2*time.Second)...)
		}, 25 * time.Second, 45 * time.Second},
		{"a pause counts less the longer the traffic after it", func(tr *Tracker) {
			calls(source(tr, "192.0.2.1", Observed), every(20*time.Millisecond, time.Second, 2*time.Second)...)
			calls(source(tr, "192.0.2.1", Observed), every(20*time.Millisecond, 13*time.Second, start+2*time.Second)...)
		}, 7 * time.Second, 20 * time.Second},
		{"a source that left long ago does not count", func(tr *Tracker) {
			calls(source(tr, "192.0.2.1", Direct), every(time.Second, 0, time.Minute)...)
		}, 5 * time.Second, 6 * time.Second},
		{"rare clients that come once each are judged together", func(tr *Tracker) {
			for i, at := range every(8*time.Second, start-5*time.Minute, start) {
				calls(source(tr, fmt.Sprintf("10.0.%d.%d", i>>8, i&255), Direct), at)
			}
		}, 9 * time.Second, time.Minute},
		{"clients that come once each are judged together", func(tr *Tracker) {
			for i, at := range every(250*time.Millisecond, start-2*time.Minute, start+10*time.Second) {
				calls(source(tr, fmt.Sprintf("10.0.%d.%d", i>>8, i&255), Direct), at)
			}
		}, 15 * time.Second, 17 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			var tracker Tracker
			test.calls(&tracker)
			tracker.Drain(start)
			if end := endOfHold(&tracker, start); end < test.from || end > test.to {
				t.Errorf("the hold ended after %v, want %v to %v", end, test.from, test.to)
			}
		})
	}
}

// waits returns how long after a last request at start a hold lasts.
func waits(play func(*Tracker)) time.Duration {
	var tracker Tracker
	play(&tracker)
	tracker.Drain(start)
	return endOfHold(&tracker, start)
}

// start is when the drain of a test begins.
const start = 10 * time.Minute

func slowProxies(tr *Tracker) {
	calls(source(tr, "192.0.2.1", Proxy), every(20*time.Second, 0, start)...)
	calls(source(tr, "192.0.2.2", Proxy), every(20*time.Second, 7*time.Second, start)...)
}

func TestNoClientEndsTheHoldOfOthersByImitation(t *testing.T) {
	alone := waits(slowProxies)
	imitated := waits(func(tr *Tracker) {
		slowProxies(tr)
		at := every(10*time.Millisecond, 0, start+50*time.Millisecond)
		calls(source(tr, "198.51.100.1", Proxy), at...)
	})
	if imitated < alone/2 {
		t.Errorf("the hold lasted %v beside a client that imitates a proxy, and %v without it", imitated, alone)
	}
}

func TestALaggardIsJudgedByItself(t *testing.T) {
	var tracker Tracker
	for i := range 40 {
		calls(source(&tracker, fmt.Sprintf("192.0.2.%d", i), Direct), every(100*time.Millisecond, 0, start)...)
	}
	laggard := source(&tracker, "198.51.100.1", Direct)
	calls(laggard, every(10*time.Second, 0, start)...)
	tracker.Drain(start)
	calls(laggard, start+10*time.Second, start+20*time.Second)
	if f := tracker.Forecast(rule, start+26*time.Second); f.SilentIn < 2*time.Second {
		t.Errorf("forecast %+v after a request of a source that is late, want another gap", f)
	}
}

func TestConnectionsFromBeforeTheDrain(t *testing.T) {
	const n = 30
	for name, test := range map[string]struct {
		kept     bool
		from, to time.Duration
	}{
		"clients that use new ones are believed to have gone":    {false, 5 * time.Second, 12 * time.Second},
		"the silence of clients that keep theirs proves nothing": {true, 20 * time.Second, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			got := waits(func(tr *Tracker) {
				for i := range n {
					addr := netip.AddrFrom4([4]byte{192, 0, 2, byte(i)})
					s := tr.Acquire(addr, 0)
					calls(s, every(10*time.Second, time.Duration(i)*time.Second/3, start)...)
					if !test.kept {
						tr.Release(s)
					}
				}
			})
			if got < test.from || got > test.to {
				t.Errorf("the hold lasted %v, want %v to %v", got, test.from, test.to)
			}
		})
	}
}

func TestARequestOnAnOldConnectionIsNotEvidenceOfARoute(t *testing.T) {
	end := func(opened bool) time.Duration {
		var tracker Tracker
		var all []*Source
		for i := range 30 {
			s := source(&tracker, fmt.Sprintf("192.0.2.%d", i), Direct)
			calls(s, every(4*time.Second, time.Duration(i)*time.Second/10, start)...)
			all = append(all, s)
		}
		tracker.Drain(start)
		for i, s := range all { // once more from each
			at := start + time.Duration(i)*time.Second/10 + time.Second
			if opened {
				raise(&s.opened, at)
			}
			s.pass(at, never)
		}
		return endOfHold(&tracker, start)
	}
	kept, opened := end(false), end(true)
	if kept >= opened || kept > 14*time.Second {
		t.Errorf("the hold lasted %v after requests on kept connections, and %v after new ones", kept, opened)
	}
}

// everySource returns a tracker with the maximum number of sources.
func everySource() *Tracker {
	var tracker Tracker
	for i := range MaxSources {
		addr := netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 1})
		calls(tracker.Acquire(addr, 0), every(time.Minute, 0, start)...)
	}
	tracker.Drain(start)
	return &tracker
}

func TestAForecastOfEverySource(t *testing.T) {
	f := everySource().Forecast(rule, start+quiet)
	if f.SilentIn <= 0 || f.SilentIn > 5*time.Minute {
		t.Errorf("forecast %+v, want more silence, of at most 5m", f)
	}
}

func BenchmarkForecastOfEverySource(b *testing.B) {
	tracker := everySource()
	for b.Loop() {
		tracker.Forecast(rule, start+quiet)
	}
}

func TestTheForecastIsWhatHappens(t *testing.T) {
	var tracker Tracker
	slowProxies(&tracker)
	tracker.Drain(start)
	f := tracker.Forecast(rule, start+quiet)
	at := start + quiet + f.SilentIn
	if g := tracker.Forecast(rule, at); g.SilentIn > 0 || g.More >= rule.Risk {
		t.Errorf("forecast %+v at the predicted end", g)
	}
	if g := tracker.Forecast(rule, at-time.Second/4); g.SilentIn <= 0 || g.More < rule.Risk {
		t.Errorf("forecast %+v before the predicted end", g)
	}
	if g := tracker.Forecast(rule, at); g.Required != quiet {
		t.Errorf("required silence %v after the end of traffic, want %v", g.Required, quiet)
	}
	if f.Required != quiet+f.SilentIn {
		t.Errorf("required silence %v, want %v", f.Required, quiet+f.SilentIn)
	}
	if f := tracker.Forecast(Rule{Quiet: quiet, Risk: 1}, start+quiet); f.SilentIn > 0 {
		t.Errorf("forecast %+v although any risk is accepted", f)
	}
}

func TestForecast_LastEvents(t *testing.T) {
	var tracker Tracker
	addr := netip.MustParseAddr("192.0.2.1")
	calls(tracker.Acquire(addr, start-time.Second), start-time.Second)
	tracker.Drain(start)
	if f := tracker.Forecast(rule, start+time.Second); f.LastRequest != 0 || f.LastConnection != 0 {
		t.Errorf("forecast %+v, want nothing since the drain's start", f)
	}
	s := tracker.Acquire(addr, start+2*time.Second)
	s.Begin(start + 3*time.Second)
	f := tracker.Forecast(rule, start+4*time.Second)
	if f.LastRequest != 3*time.Second || f.LastConnection != 2*time.Second {
		t.Errorf("forecast %+v, want a connection at 2s with a request at 3s", f)
	}
}

func TestForecastNamesTheClass(t *testing.T) {
	var tracker Tracker
	calls(source(&tracker, "192.0.2.1", Direct), every(100*time.Millisecond, 0, Window)...)
	calls(source(&tracker, "192.0.2.2", Proxy), every(15*time.Second, 0, Window)...)
	tracker.Drain(Window)
	if f := tracker.Forecast(rule, Window+6*time.Second); f.Class != Proxy || f.More < 0.1 {
		t.Errorf("forecast %+v, want it to wait for a proxy", f)
	}
}

// A NaN as the probability would break the status and the end of the hold.
func TestForecastIsAProbabilityForEveryLengthOfTheHold(t *testing.T) {
	for _, longest := range []time.Duration{1, time.Millisecond, 249 * time.Millisecond, time.Second, time.Minute, 1 << 62} {
		for _, draining := range []bool{false, true} {
			tracker := new(Tracker)
			for i, class := range Classes() {
				calls(source(tracker, fmt.Sprintf("192.0.2.%d", i+1), class), every(20*time.Millisecond, 0, 3*time.Second)...)
			}
			if draining {
				tracker.Drain(3 * time.Second)
			}
			for _, after := range []time.Duration{0, 100 * time.Millisecond, time.Minute} {
				f := tracker.Forecast(Rule{Quiet: time.Millisecond, Risk: 0.01, Longest: longest}, 3*time.Second+after)
				if !(f.More >= 0 && f.More <= 1) || f.SilentIn < 0 || f.Required < 0 { // NaN is neither
					t.Errorf("a hold of at most %v, draining %v, %v after the last request: %+v", longest, draining, after, f)
				}
			}
		}
	}
}
