package openloop

import (
	"testing"
	"time"
)

// samples has latencies of 1 to n ms, due 1 ms apart, of which every tenth was lost with a timeout.
func samples(n int) *Result[string] {
	r := &Result[string]{}
	for i := range n {
		s := Sample[string]{Due: time.Duration(i) * time.Millisecond, Took: time.Duration(i+1) * time.Millisecond}
		if i%10 == 9 {
			s.Cause = Timeout
		}
		r.Samples = append(r.Samples, s)
	}
	return r
}

func TestLatencyOfTheAnswered(t *testing.T) {
	r := &Result[string]{}
	for i := 1000; i > 0; i-- {
		r.Samples = append(r.Samples, Sample[string]{Took: time.Duration(i) * time.Millisecond})
	}
	r.Samples = append(r.Samples, Sample[string]{Took: time.Hour, Cause: Timeout})
	got := r.Latency(0, 0.5, 0.99, 0.999, 1)
	for i, want := range []time.Duration{1, 500, 990, 999, 1000} {
		if want *= time.Millisecond; got[i] != want {
			t.Errorf("quantile %d is %v, want %v", i, got[i], want)
		}
	}
}

func TestLatencyOfNothingIsZero(t *testing.T) {
	if got := (&Result[string]{}).Latency(0.5)[0]; got != 0 {
		t.Errorf("latency of no request is %v, want 0", got)
	}
}

func TestBetweenTakesWhatWasDueThen(t *testing.T) {
	part := samples(100).Between(10*time.Millisecond, 20*time.Millisecond)
	if n := part.Requests(); n != 10 {
		t.Errorf("%d requests, want 10", n)
	}
	if n := part.ByCause()[Timeout]; n != 1 {
		t.Errorf("%d of them lost, want 1", n)
	}
}

func TestEndedIsTheTimeOfTheFailure(t *testing.T) {
	lost := samples(20).Failures()[1]
	if want := 39 * time.Millisecond; lost.Ended() != want {
		t.Errorf("the second failure was at %v, want %v", lost.Ended(), want)
	}
}
