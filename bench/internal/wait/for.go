package wait

import (
	"context"
	"time"
)

// For returns nil after d, or the context's error when this is done before. A time of zero or less has passed
// already.
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
