package balancer

import (
	"context"
	"fmt"
	"syscall"
)

// nginx is nginx whose configuration is written anew for each change.
//
// It takes a new configuration in steps: on SIGHUP the master starts a new worker; a moment later it asks the old one to
// finish, and for that moment both take connections. A change is in force when the new worker answers and the old one has
// let go of the socket that it listens on; it closes the idle connections of its clients in the same breath.
type nginx struct {
	settings
	*process
	sockets []string // that clients connect to; all workers share them
	worker  int      // the process id of the one that takes connections
}

func startNginx(ctx context.Context, c nodeConfig) (node, error) {
	s, err := newSettings(c)
	if err != nil {
		return nil, err
	}
	if err := s.write("nginx.conf"); err != nil {
		return nil, err
	}
	// Its own SIGTERM: the workers have the master as their parent, and would outlive it.
	p, err := startProcess(ctx, c, syscall.SIGTERM, "nginx", "-p", c.Dir, "-c", "nginx.conf", "-e", "stderr")
	if err != nil {
		return nil, err
	}
	n := &nginx{settings: s, process: p}
	if err := n.started(ctx); err != nil {
		p.stop()
		return nil, err
	}
	return &listed{applier: n, addr: s.Listen}, nil
}

func (n *nginx) started(ctx context.Context) (err error) {
	if err := n.Await(ctx, "start", n.answers); err != nil {
		return err
	}
	n.sockets, err = listeners(n.Listen)
	return err
}

func (n *nginx) apply(ctx context.Context, endpoints []string) error {
	n.Endpoints = endpoints
	n.Generation++
	if err := n.write("nginx.conf"); err != nil {
		return err
	}
	old := n.worker
	if err := n.signal(syscall.SIGHUP); err != nil {
		return err
	}
	if err := n.Await(ctx, "take a new configuration", n.answers); err != nil {
		return err
	}
	return n.Await(ctx, "leave the old configuration", func(context.Context) error { return expectNone(old, n.sockets) })
}

// answers returns nil, and notes the worker, when a new connection meets the newest configuration.
func (n *nginx) answers(ctx context.Context) error {
	said, err := ask(ctx, "http://"+n.Control+"/")
	if err != nil {
		return err
	}
	var generation, worker int
	if _, err := fmt.Sscan(said, &generation, &worker); err != nil {
		return fmt.Errorf("it says %q: %w", said, err)
	}
	if generation != n.Generation {
		return fmt.Errorf("it is at generation %d, not %d", generation, n.Generation)
	}
	n.worker = worker
	return nil
}

// Close ends nginx at once.
func (n *nginx) Close() error {
	n.stop()
	return nil
}
