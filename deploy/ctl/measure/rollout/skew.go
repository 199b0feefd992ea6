package rollout

import (
	"context"
	"net/http"
	"sync"
	"time"

	"k8s.io/client-go/kubernetes"
)

// A Clock estimates how far the clock of the API server is ahead of this machine's, from the Date of
// its responses. A Date has a resolution of a second, but each response narrows the estimate.
type Clock struct {
	mu        sync.Mutex
	low, high time.Duration // of the skew
	known     bool
}

// Wrap returns a transport that observes responses.
func (c *Clock) Wrap(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		sent := time.Now()
		resp, err := next.RoundTrip(r)
		if err == nil {
			c.observe(resp.Header.Get("Date"), sent, time.Now())
		}
		return resp, err
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// probes is how many requests narrow the estimate, and probePeriod the time between them. Together
// they last longer than a second, so that one of them is close to its beginning.
const (
	probes      = 12
	probePeriod = 90 * time.Millisecond
)

// Probe asks the API server for its version until the estimate is narrow.
func (c *Clock) Probe(ctx context.Context, client kubernetes.Interface) error {
	tick := time.NewTicker(probePeriod)
	defer tick.Stop()
	for range probes {
		if _, err := client.Discovery().ServerVersion(); err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// observe narrows the estimate with a response that was made between two times of this machine.
func (c *Clock) observe(date string, sent, received time.Time) {
	at, err := http.ParseTime(date)
	if err != nil {
		return
	}
	low, high := at.Sub(received), at.Add(time.Second).Sub(sent)
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.known || low > c.high || high < c.low { // the latter: a clock was set meanwhile
		c.low, c.high, c.known = low, high, true
		return
	}
	c.low, c.high = max(c.low, low), min(c.high, high)
}

// Skew returns how far the API server's clock is ahead, and how wrong that can be. ok is false if no
// response had a Date.
func (c *Clock) Skew() (skew, wrong time.Duration, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return (c.low + c.high) / 2, (c.high - c.low) / 2, c.known
}

// here converts a time of the API server, with a resolution of a second, to the range of times of
// this machine that it can mean.
func (c *Clock) here(at time.Time) (from, to time.Time, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return at.Add(-c.high), at.Add(time.Second - c.low), c.known
}
