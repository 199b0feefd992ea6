package balancer

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"time"
)

// caddy is Caddy that is given a new configuration by its admin API for each change.
//
// It starts new servers before it asks the old ones to finish, each with a listening socket of its own for the same address
// (SO_REUSEPORT), and answers when the old ones have been asked. A change is in force when the old sockets have gone; idle
// connections of clients are closed in the same breath.
type caddy struct {
	settings
	*process
}

func startCaddy(ctx context.Context, c nodeConfig) (node, error) {
	s, err := newSettings(c)
	if err != nil {
		return nil, err
	}
	if err := s.write("caddy.json"); err != nil {
		return nil, err
	}
	p, err := startProcess(ctx, c, syscall.SIGKILL, "caddy", "run", "--config", "caddy.json")
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

// answers returns nil when the servers have been started.
func (d *caddy) answers(context.Context) error {
	sockets, err := listeners(d.Listen)
	if err == nil && len(sockets) == 0 {
		err = fmt.Errorf("nothing listens on %s", d.Listen)
	}
	return err
}

// loadTimeout is how long Caddy may take to accept a new configuration, a matter of milliseconds.
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
	if _, err := tell(ctx, http.MethodPost, "http://"+d.Control+"/load", strings.TrimSpace(config)); err != nil {
		return d.Failure("take a new configuration", err)
	}
	return d.Await(ctx, "leave the old configuration", func(context.Context) error {
		return expectNone(d.PID(), old)
	})
}

// Close ends Caddy at once.
func (d *caddy) Close() error {
	d.stop()
	return nil
}
