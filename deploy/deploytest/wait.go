package deploytest

import (
	"context"
	"testing"
	"time"
)

// WaitTimeout bounds a wait for something that must happen. Only a failing test takes that long.
const WaitTimeout = time.Minute

// Await polls until check succeeds, and fails the test with its last error after a time.
func Await(t testing.TB, within time.Duration, what string, check func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("waited %v for %s: %v", within, what, err)
		}
	}
}
