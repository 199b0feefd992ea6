package wait

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestFor(t *testing.T) {
	cases := map[string]struct {
		d, deadline, took time.Duration
		want              error
	}{
		"the time passes":         {time.Minute, time.Hour, time.Minute, nil},
		"the context ends before": {time.Hour, time.Minute, time.Minute, context.DeadlineExceeded},
		"no time at all":          {0, time.Minute, 0, nil},
		"less than none":          {-time.Hour, time.Minute, 0, nil},
		"a context that is done":  {0, 0, 0, context.DeadlineExceeded},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), tc.deadline)
				defer cancel()
				began := time.Now()
				if err := For(ctx, tc.d); !errors.Is(err, tc.want) {
					t.Errorf("got %v, want %v", err, tc.want)
				}
				if took := time.Since(began); took != tc.took {
					t.Errorf("took %v, want %v", took, tc.took)
				}
			})
		})
	}
}
