package measure

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"lameduck/bench/openloop"
)

// probe makes one request for each method and protocol, and returns the protocols to measure. It
// returns an error if the service does not answer as expected before the load.
func (c *client) probe(ctx context.Context) ([]Protocol, error) {
	if len(c.cfg.Protocols) > 0 {
		return c.cfg.Protocols, c.probeAll(ctx, c.cfg.Protocols)
	}
	supported := []Protocol{HTTP1}
	if c.dialer.tls != nil {
		switch err := c.probeAll(ctx, []Protocol{HTTP2}); {
		case err == nil:
			supported = append(supported, HTTP2)
		case !lacksProtocol(err):
			return nil, err
		}
	}
	err := c.probeAll(ctx, []Protocol{HTTP1})
	if lacksProtocol(err) && len(supported) > 1 {
		return []Protocol{HTTP2}, nil
	}
	return supported, err
}

// probeAll makes one request in each lane with new connections.
func (c *client) probeAll(ctx context.Context, protocols []Protocol) error {
	for _, l := range lanes(protocols, c.cfg.Post != nil) {
		if !l.New {
			continue
		}
		if _, err := c.exchange(ctx, l); err != nil {
			return c.explain(l, err)
		}
	}
	return nil
}

// explain returns the error of a probe with a remedy.
func (c *client) explain(l Lane, err error) error {
	u := c.cfg.URL
	if l.Method == "POST" {
		u = c.cfg.Post.URL
	}
	if l.Protocol == GRPC {
		u = healthURL(u)
	}
	remedy := "; measure a service that works"
	switch openloop.CauseOf(err) {
	case openloop.OtherStatus:
		remedy = fmt.Sprintf(", and the answers that count are %s: measure another path, or change --expect",
			c.cfg.Expect)
	case grpcStatus:
		remedy = "; the server needs the service grpc.health.v1.Health"
	case openloop.TLS:
		remedy = "; --ca adds a certificate authority"
	}
	return fmt.Errorf("before the load, %s %s over %s failed: %w%s", l.Method, shown(u), l.Protocol,
		err, remedy)
}

// lacksProtocol reports whether a probe failed since the server does not support the protocol.
func lacksProtocol(err error) bool {
	return errors.Is(err, errNoHTTP2) ||
		err != nil && strings.Contains(err.Error(), "no application protocol")
}
