package main

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

// A fakeWire plays a server in its own time. Nothing sleeps.
type fakeWire struct {
	clock time.Duration
	// answerAfter returns how long the answer to request number n takes.
	answerAfter func(n int) time.Duration
	// oversleep is how much too late wait returns if nothing arrives.
	oversleep func(until time.Duration) time.Duration

	sentAt []time.Duration // by request
	conns  []int           // by request
	due    map[int]time.Duration
}

// newFakeWire returns a wire. Its clock does not start at zero, because a load must not assume
// that.
func newFakeWire(answerAfter func(n int) time.Duration) *fakeWire {
	return &fakeWire{clock: time.Hour, answerAfter: answerAfter, due: map[int]time.Duration{}}
}

func (w *fakeWire) now() time.Duration { return w.clock }

func (w *fakeWire) wait(until time.Duration) ([]int, error) {
	earliest := until
	for _, at := range w.due {
		earliest = min(earliest, at)
	}
	if earliest == until && w.oversleep != nil {
		earliest += w.oversleep(until)
	}
	w.clock = max(w.clock, earliest)
	var ready []int
	for conn, at := range w.due {
		if at <= w.clock {
			ready = append(ready, conn)
		}
	}
	slices.Sort(ready)
	return ready, nil
}

func (w *fakeWire) send(conn int) error {
	if _, busy := w.due[conn]; busy {
		return errors.New("two requests at a time on one connection")
	}
	w.due[conn] = w.clock + w.answerAfter(len(w.sentAt))
	w.sentAt = append(w.sentAt, w.clock)
	w.conns = append(w.conns, conn)
	return nil
}

func (w *fakeWire) receive(conn int) (bool, error) {
	delete(w.due, conn)
	return true, nil
}

func always(d time.Duration) func(int) time.Duration {
	return func(int) time.Duration { return d }
}

const ms = time.Millisecond

// drive runs a load of n requests, 1 ms apart.
func drive(t *testing.T, w *fakeWire, n, connections int) *load {
	t.Helper()
	l := newLoad(w, pace{perSecond: 1000, total: n}, connections)
	if err := l.run(); err != nil {
		t.Fatal(err)
	}
	return l
}

func TestRequestsAreSentWhenTheyAreDue(t *testing.T) {
	w := newFakeWire(always(ms / 5))
	l := drive(t, w, 1000, 4)
	for n, at := range w.sentAt {
		if want := time.Hour + time.Duration(n)*ms; at != want {
			t.Fatalf("request %d was sent at %v, want %v", n, at, want)
		}
	}
	got := l.summary()
	if want := (summary{Requests: 1000, Seconds: 0.9992, P50: 200, P99: 200}); got != want {
		t.Errorf("summary %+v, want %+v", got, want)
	}
}

func TestTimesDoNotDrift(t *testing.T) {
	if got, want := (pace{perSecond: 3000}).due(100_000), 100_000*time.Second/3000; got != want {
		t.Errorf("request 100,000 is due at %v, want %v", got, want)
	}
}

func TestASlowServerDoesNotSlowTheLoad(t *testing.T) {
	w := newFakeWire(always(10 * ms))
	drive(t, w, 100, 32)
	if got, want := w.sentAt[99], time.Hour+99*ms; got != want {
		t.Errorf("the last request was sent at %v, want %v: the load is not open", got, want)
	}
}

func TestLatencyCountsFromTheIntendedStart(t *testing.T) {
	// One connection, and its first answer takes 10 ms: nine requests wait for it, in vain if
	// latency counted from when they could be sent.
	w := newFakeWire(func(n int) time.Duration {
		if n == 0 {
			return 10 * ms
		}
		return ms / 10
	})
	l := drive(t, w, 10, 1)
	for n, got := range l.latency {
		if want := 10*ms - time.Duration(n)*ms + time.Duration(n)*ms/10; got != want {
			t.Errorf("request %d took %v, want %v", n, got, want)
		}
	}
	if late := l.summary().LateP99; late != 0 {
		t.Errorf("the load reports that it was late by %v µs itself, but the server was", late)
	}
}

func TestALateLoadIsReported(t *testing.T) {
	w := newFakeWire(always(ms / 10))
	w.oversleep = func(time.Duration) time.Duration { return 300 * time.Microsecond }
	l := drive(t, w, 100, 4)
	if got := l.summary(); got.LateP50 != 300 || got.LateP99 != 300 {
		t.Errorf("the load reports that it was late by %v and %v µs, want 300", got.LateP50, got.LateP99)
	}
	for n, got := range l.latency {
		if want := l.late[n] + ms/10; got != want {
			t.Errorf("request %d took %v, want %v: the lateness of the load is included", n, got, want)
		}
	}
}

func TestALoadThatSleepsLongCatchesUp(t *testing.T) {
	w := newFakeWire(always(ms / 10))
	w.oversleep = func(until time.Duration) time.Duration {
		if until == time.Hour+5*ms {
			return 20 * ms
		}
		return 0
	}
	l := drive(t, w, 50, 32)
	if got := w.sentAt[25]; got != time.Hour+25*ms {
		t.Errorf("request 25 was sent at %v, want it with the 20 before it", got)
	}
	if got, want := l.latency[5], 20*ms+ms/10; got != want {
		t.Errorf("request 5 took %v, want %v", got, want)
	}
}

func TestConnectionsTakeTurns(t *testing.T) {
	w := newFakeWire(always(ms / 10))
	drive(t, w, 8, 4)
	if want := []int{0, 1, 2, 3, 0, 1, 2, 3}; !slices.Equal(w.conns, want) {
		t.Errorf("the requests went over connections %v, want %v", w.conns, want)
	}
}

func TestRequestsWithoutAnswerFailTheRun(t *testing.T) {
	w := newFakeWire(func(n int) time.Duration {
		if n == 7 {
			return time.Hour
		}
		return ms
	})
	err := newLoad(w, pace{perSecond: 1000, total: 10}, 4).run()
	if err == nil || !strings.Contains(err.Error(), "1 of 10 requests have no response after 5.01s") {
		t.Errorf("error %v", err)
	}
}

func TestQuantile(t *testing.T) {
	var values []time.Duration
	for n := range 200 {
		values = append(values, time.Duration(200-n)*time.Microsecond)
	}
	for q, want := range map[float64]float64{0.5: 100, 0.99: 198, 1: 200, 0: 1} {
		if got := quantile(values, q); got != want {
			t.Errorf("quantile %v of 1 to 200 µs is %v, want %v", q, got, want)
		}
	}
}
