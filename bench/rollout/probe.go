package rollout

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"time"
)

const (
	// The kubelet's shortest period is 1 s, which would delay every start by up to a random second.
	probePeriod = 20 * time.Millisecond
	// The kubelet's default.
	probeTimeout = time.Second
)

// await returns when a probe of the URL succeeds. It returns at once if url is empty.
func (c *container) await(ctx context.Context, url string) error {
	if url == "" {
		return nil
	}
	tick := time.NewTicker(probePeriod)
	defer tick.Stop()
	var failed error
	for {
		err := probe(ctx, url, c.ProbeHeader)
		if err == nil {
			return nil
		}
		if failed == nil || ctx.Err() == nil {
			failed = err // a probe that ctx interrupted is less informative than the one before it
		}
		select {
		case <-tick.C:
		case <-c.exited():
			return fmt.Errorf("container %s ended before it was ready (%s): see its output in %s",
				c.Name, c.state(), c.output)
		case <-ctx.Done():
			return fmt.Errorf("container %s was not ready in time: %w (%w): see its output in %s",
				c.Name, failed, ctx.Err(), c.output)
		}
	}
}

// probe makes one GET request as the kubelet does, with the given additional header fields. It
// returns an error if there is no response or its status is not from 200 to 399.
func probe(ctx context.Context, url string, header http.Header) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("probe: %w", err)
	}
	req.Header.Set("User-Agent", "kube-probe/1.36")
	maps.Copy(req.Header, header)
	t := &http.Transport{DisableKeepAlives: true}
	resp, err := t.RoundTrip(req)
	if err != nil {
		return fmt.Errorf("probe: %w", err)
	}
	resp.Body.Close()
	if resp.StatusCode < http.StatusOK || resp.StatusCode >= http.StatusBadRequest {
		return errors.New("probe: answered " + resp.Status)
	}
	return nil
}
