package webhook

import (
	"context"
	"time"
)

// How long a replica that is to leave goes on serving.
const (
	// quiet is a silence after which no API server is taken to send anything more. A busy cluster makes pods more often than that.
	quiet = 2 * time.Second

	// extraHold is how long the hold waits for that silence, at most.
	extraHold = 10 * time.Second
)

// hold returns when the API server has let go of us: the shortest hold has passed, and no request has come for a while. It does not wait for that for ever.
func (h *handler) hold(ctx context.Context, shortest time.Duration) {
	began := time.Now()
	for {
		now := time.Now()
		rest := max(began.Add(shortest).Sub(now), time.Unix(0, h.last.Load()).Add(quiet).Sub(now))
		rest = min(rest, began.Add(shortest+extraHold).Sub(now))
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
