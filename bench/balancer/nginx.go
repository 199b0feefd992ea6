package balancer

import (
	"context"
	"fmt"
	"syscall"
)

// nginx is an nginx process. Each change is a new configuration file and a reload.
//
// On SIGHUP the master starts a new worker. A moment later it asks the old worker to finish; until
// then both accept connections. A change is in force when the new worker answers and the old worker
// has closed its listening socket. The old worker closes idle connections of clients at the same
// time.
type nginx struct {
	settings
	*process
	sockets []string // that clients connect to, shared by all workers
	worker  int      // the process ID of the worker that accepts connections
}

func startNginx(ctx context.Context, c nodeConfig) (node, error) {
	s, err := newSettings(c)
	if err != nil {
		return nil, err
	}
	if err := s.write("nginx.conf"); err != nil {
		return nil, err
	}
	// SIGTERM, since the workers would outlive a master that is killed.
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
	if err := n.Await(ctx, "load a new configuration", n.answers); err != nil {
		return err
	}
	return n.Await(ctx, "drop the old configuration", func(context.Context) error {
		return expectNone(old, n.sockets)
	})
}

// answers returns nil if a new connection gets the newest configuration, and sets n.worker.
func (n *nginx) answers(ctx context.Context) error {
	answer, err := get(ctx, "http://"+n.Control+"/")
	if err != nil {
		return err
	}
	var generation, worker int
	if _, err := fmt.Sscan(answer, &generation, &worker); err != nil {
		return fmt.Errorf("nginx answered %q: %w", answer, err)
	}
	if generation != n.Generation {
		return fmt.Errorf("it is at generation %d, not %d", generation, n.Generation)
	}
	n.worker = worker
	return nil
}

// Close kills nginx.
func (n *nginx) Close() error {
	n.stop()
	return nil
}
