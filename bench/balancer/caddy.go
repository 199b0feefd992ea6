package balancer

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"time"
)

// caddy is a Caddy process. Each change is a new configuration, posted to its admin API.
//
// Caddy starts new servers before it shuts down the old ones. Old and new servers have separate
// listening sockets for the same address (SO_REUSEPORT). It answers once the old servers have begun
// to shut down. A change is in force when the old sockets are closed; idle connections of clients
// are closed at the same time.
type caddy struct {
	settings
	*process
}

func startCaddy(ctx context.Context, c nodeConfig) (node, error) {
	s, err := newSettings(c)
	if err != nil {
		return nil, err
	}
	p, err := s.start(ctx, "caddy.json", syscall.SIGKILL, "caddy", "run", "--config", "caddy.json")
	if err != nil {
		return nil, err
	}
	d := &caddy{settings: s, process: p}
	if err := d.Await(ctx, "start", d.answers); err != nil {
		p.stop()
		return nil, err
	}
	return &listed{applier: d, addr: s.Listen}, nil
}

// answers returns nil once the servers listen.
func (d *caddy) answers(context.Context) error {
	sockets, err := listeners(d.Listen)
	if err == nil && len(sockets) == 0 {
		err = fmt.Errorf("nothing listens on %s", d.Listen)
	}
	return err
}

// loadTimeout bounds how long Caddy takes to accept a new configuration, which is usually
// milliseconds.
const loadTimeout = 10 * time.Second

func (d *caddy) apply(ctx context.Context, endpoints []string) error {
	d.Endpoints = endpoints
	config, err := d.render("caddy.json")
	if err != nil {
		return err
	}
	old, err := listeners(d.Listen)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	if _, err := request(ctx, http.MethodPost, "http://"+d.Control+"/load", strings.TrimSpace(config)); err != nil {
		return d.Failure("load a new configuration", err)
	}
	return d.Await(ctx, "drop the old configuration", func(context.Context) error {
		return expectNone(d.PID(), old)
	})
}

// Close kills Caddy.
func (d *caddy) Close() error {
	d.stop()
	return nil
}
