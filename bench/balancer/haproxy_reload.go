package balancer

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"syscall"
)

// reloadedHAProxy is HAProxy in master-worker mode, whose configuration is written anew for each change.
//
// It takes a new configuration in steps: on "reload" the master executes itself and starts a new worker with the listening
// sockets of the old one, which then is asked to finish. A change is in force when the master is back and the old worker has
// let go of the socket that it listens on; it closes the idle connections of its clients in the same breath. The signal
// SIGUSR2 would do the same, but one that comes while the master is not back yet is lost.
type reloadedHAProxy struct {
	settings
	*process
	sockets []string // that clients connect to; all workers share them
	worker  int      // the process id of the one that takes connections
}

func startHAProxyReload(ctx context.Context, c nodeConfig) (node, error) {
	s, err := newSettings(c)
	if err != nil {
		return nil, err
	}
	if err := s.write("haproxy.cfg"); err != nil {
		return nil, err
	}
	// Its own SIGTERM: the worker has the master as its parent, and would outlive it.
	p, err := startProcess(ctx, c, syscall.SIGTERM, "haproxy", "-W", "-db", "-S", "ipv4@"+s.Control, "-f", "haproxy.cfg")
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
	if err := h.Await(ctx, "take a new configuration", h.answers); err != nil {
		return err
	}
	return h.Await(ctx, "leave the old configuration", func(context.Context) error { return expectNone(old, h.sockets) })
}

// processes is what is needed of the master's answer to "show proc": how often it has reloaded its configuration, how
// often in vain, and the worker that has the newest one.
var processes = regexp.MustCompile(`\smaster\s+(\d+) \[failed: (\d+)\][^#]*# workers\n(\d+)`)

// answers returns nil, and notes the worker, when the master has started one with the newest configuration.
func (h *reloadedHAProxy) answers(ctx context.Context) error {
	said, err := command(ctx, h.Control, "show proc")
	if err != nil {
		return err
	}
	m := processes.FindStringSubmatch(said)
	if m == nil || m[1] != strconv.Itoa(h.Generation) || m[2] != "0" {
		return fmt.Errorf("its master is not at reload %d: %q", h.Generation, said)
	}
	h.worker, err = strconv.Atoi(m[3])
	return err
}

// Close ends HAProxy at once.
func (h *reloadedHAProxy) Close() error {
	h.stop()
	return nil
}
