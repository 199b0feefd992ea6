package openloop

import (
	"context"
	"testing"
	"time"
)

func TestChangeoverIsNeitherAnsweredNorLost(t *testing.T) {
	exchange := func(_ context.Context, _ string, seq int) error {
		switch seq {
		case 3:
			return Fail(Changeover, context.Canceled)
		case 4:
			return Fail(Reset, context.Canceled)
		}
		return nil
	}
	res := play(t, config(10, 1e6), exchange)
	if got := res.Changeovers(); len(got) != 1 || got[0].Cause != Changeover || got[0].Lost() {
		t.Errorf("changeovers are %+v, want the fourth request, which is not lost", got)
	}
	if got := res.Failures(); len(got) != 1 || got[0].Cause != Reset || !got[0].Lost() {
		t.Errorf("failures are %+v, want the fifth request", got)
	}
	if got := res.ByCause(); len(got) != 1 || got[Reset] != 1 {
		t.Errorf("lost %v, want one reset", got)
	}
	part := &Result[string]{Samples: []Sample[string]{{Took: time.Hour, Cause: Changeover}, {Took: time.Second}}}
	if got := part.Latency(1)[0]; got != time.Second {
		t.Errorf("longest latency %v, which includes a request that was not answered", got)
	}
}
