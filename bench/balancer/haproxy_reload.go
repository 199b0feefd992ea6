package balancer

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"syscall"
)

// reloadedHAProxy is HAProxy in master-worker mode. Each change is a new configuration file and a
// reload.
//
// On "reload" the master executes itself and starts a new worker with the listening sockets of the
// old worker, and then asks the old worker to finish. A change is in force when the master answers
// again and the old worker has closed its listening socket; the old worker closes idle connections
// of clients at the same time. SIGUSR2 would also reload, but a signal that arrives during a reload
// is lost.
type reloadedHAProxy struct {
	settings
	*process
	sockets []string // that clients connect to, shared by all workers
	worker  int      // the process ID of the worker that accepts connections
}

func startHAProxyReload(ctx context.Context, c nodeConfig) (node, error) {
	s, err := newSettings(c)
	if err != nil {
		return nil, err
	}
	if err := s.write("haproxy.cfg"); err != nil {
		return nil, err
	}
	// SIGTERM, since the worker would outlive a master that is killed.
	args := []string{"-W", "-db", "-S", "ipv4@" + s.Control, "-f", "haproxy.cfg"}
	p, err := startProcess(ctx, c, syscall.SIGTERM, "haproxy", args...)
	if err != nil {
		return nil, err
	}
	h := &reloadedHAProxy{settings: s, process: p}
	if err := h.started(ctx); err != nil {
		p.stop()
		return nil, err
	}
	return &listed{applier: h, addr: s.Listen}, nil
}

func (h *reloadedHAProxy) started(ctx context.Context) (err error) {
	if err := h.Await(ctx, "start", h.answers); err != nil {
		return err
	}
	h.sockets, err = listeners(h.Listen)
	return err
}

func (h *reloadedHAProxy) apply(ctx context.Context, endpoints []string) error {
	h.Endpoints = endpoints
	h.Generation++
	if err := h.write("haproxy.cfg"); err != nil {
		return err
	}
	old := h.worker
	if _, err := command(ctx, h.Control, "reload"); err != nil && !errors.Is(err, syscall.ECONNRESET) {
		return h.Failure("reload", err)
	}
	if err := h.Await(ctx, "load a new configuration", h.answers); err != nil {
		return err
	}
	return h.Await(ctx, "drop the old configuration", func(context.Context) error {
		return expectNone(old, h.sockets)
	})
}

// processes matches the master's answer to "show proc": the number of reloads, the number of failed
// reloads, and the newest worker.
var processes = regexp.MustCompile(`\smaster\s+(\d+) \[failed: (\d+)\][^#]*# workers\n(\d+)`)

// answers returns nil once the master has started a worker with the newest configuration, and sets
// h.worker.
func (h *reloadedHAProxy) answers(ctx context.Context) error {
	answer, err := command(ctx, h.Control, "show proc")
	if err != nil {
		return err
	}
	m := processes.FindStringSubmatch(answer)
	if m == nil || m[1] != strconv.Itoa(h.Generation) || m[2] != "0" {
		return fmt.Errorf("its master is not at reload %d: %q", h.Generation, answer)
	}
	h.worker, err = strconv.Atoi(m[3])
	return err
}

// Close kills HAProxy.
func (h *reloadedHAProxy) Close() error {
	h.stop()
	return nil
}
