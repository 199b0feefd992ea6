package webhook

import (
	"context"
	"time"
)

const (
	// quiet is a silence after which no API server is expected to send more requests. A busy
	// cluster creates pods more often than that.
	quiet = 2 * time.Second

	// extraDrain bounds how much longer than its minimum a drain waits for that silence.
	extraDrain = 10 * time.Second
)

// awaitQuiet returns when the shortest drain is over and no request has arrived for quiet, but at
// the latest extraDrain after the shortest drain.
func (h *handler) awaitQuiet(ctx context.Context, shortest time.Duration) {
	began := time.Now()
	for {
		now := time.Now()
		untilQuiet := time.Unix(0, h.last.Load()).Add(quiet).Sub(now)
		rest := max(began.Add(shortest).Sub(now), untilQuiet)
		rest = min(rest, began.Add(shortest+extraDrain).Sub(now))
		if rest <= 0 {
			return
		}
		timer := time.NewTimer(rest)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}
