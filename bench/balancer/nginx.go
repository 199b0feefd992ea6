package balancer

import (
	"context"
	"fmt"
	"syscall"
)

// startNginx starts nginx. On SIGHUP the master starts a new worker. A moment later it asks the old
// worker to finish; until then both accept connections. The old worker closes idle connections of
// clients at the same time as its listening socket.
func startNginx(ctx context.Context, c nodeConfig) (node, error) {
	s, err := newSettings(c)
	if err != nil {
		return nil, err
	}
	n := &reloader{settings: s, file: "nginx.conf"}
	n.reload = func(context.Context) error { return n.signal(syscall.SIGHUP) }
	n.newest = func(ctx context.Context) (int, error) { return nginxWorker(ctx, n.settings) }
	return startReloader(ctx, n, "nginx", "-p", c.Dir, "-c", n.file, "-e", "stderr")
}

// nginxWorker returns the worker that a new connection gets, if it has the newest configuration.
func nginxWorker(ctx context.Context, s settings) (int, error) {
	answer, err := get(ctx, "http://"+s.Control+"/")
	if err != nil {
		return 0, err
	}
	var generation, worker int
	if _, err := fmt.Sscan(answer, &generation, &worker); err != nil {
		return 0, fmt.Errorf("nginx answered %q: %w", answer, err)
	}
	if generation != s.Generation {
		return 0, fmt.Errorf("it is at generation %d, not %d", generation, s.Generation)
	}
	return worker, nil
}
