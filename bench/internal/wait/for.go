package wait

import (
	"context"
	"time"
)

// For waits for d and returns nil, or returns the context's error if ctx is done first. If d is
// zero or less, it does not wait.
func For(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
