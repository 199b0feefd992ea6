package balancer

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// slots is how many endpoints the configuration has room for.
const slots = 64

// runtimeHAProxy is HAProxy that is changed through its Runtime API. Its configuration has disabled
// servers without an address. Adding an endpoint sets the address of one and enables it; removing
// the endpoint disables it.
type runtimeHAProxy struct {
	settings
	*process

	mu sync.Mutex // held during a change
	// used maps an endpoint to its server.
	used map[string]string
	// free has the other servers. The one that has been free for longest is first.
	free []string
}

func startHAProxy(ctx context.Context, c nodeConfig) (node, error) {
	s, err := newSettings(c)
	if err != nil {
		return nil, err
	}
	s.Slots = slots
	p, err := s.start(ctx, "haproxy.cfg", syscall.SIGKILL, "haproxy", "-db", "-f", "haproxy.cfg")
	if err != nil {
		return nil, err
	}
	h := &runtimeHAProxy{settings: s, process: p, used: make(map[string]string)}
	for i := range slots {
		h.free = append(h.free, "pods/pod"+strconv.Itoa(i+1))
	}
	if err := p.Await(ctx, "start", h.answers); err != nil {
		p.stop()
		return nil, err
	}
	return h, nil
}

// answers returns nil if the Runtime API answers.
func (h *runtimeHAProxy) answers(ctx context.Context) error {
	_, err := command(ctx, pollTime, h.Control, "show info")
	return err
}

// Addr returns the host:port that clients connect to.
func (h *runtimeHAProxy) Addr() string { return h.Listen }

// Add returns when the endpoint at host:port gets requests. Adding it twice is an error.
func (h *runtimeHAProxy) Add(ctx context.Context, addr string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, there := h.used[addr]; there {
		return fmt.Errorf("add endpoint %s: it exists already", addr)
	}
	if len(h.free) == 0 {
		return fmt.Errorf("add endpoint %s: all %d servers are in use: remove some", addr, slots)
	}
	server := h.free[0]
	if err := h.serve(ctx, server, addr); err != nil {
		return fmt.Errorf("add endpoint %s: %w", addr, err)
	}
	h.used[addr], h.free = server, h.free[1:]
	return nil
}

// serve sets the address of a server and enables it.
func (h *runtimeHAProxy) serve(ctx context.Context, server, addr string) error {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return err
	}
	line := fmt.Sprintf("set server %s addr %s port %s", server, host, port)
	answer, err := command(ctx, commandTime, h.Control, line)
	// "... changed from ... to ..." or "no need to change ..."
	if err != nil || !strings.Contains(answer, "change") {
		return h.refused(line, answer, err)
	}
	return h.state(ctx, server, "ready")
}

// Remove returns when the endpoint at host:port gets no more requests. Removing an unknown endpoint
// is an error.
func (h *runtimeHAProxy) Remove(ctx context.Context, addr string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	server, there := h.used[addr]
	if !there {
		return fmt.Errorf("remove endpoint %s: there is no such endpoint", addr)
	}
	if err := h.state(ctx, server, "maint"); err != nil {
		return fmt.Errorf("remove endpoint %s: %w", addr, err)
	}
	delete(h.used, addr)
	h.free = append(h.free, server)
	return nil
}

// state sets the state of a server. It takes effect before HAProxy answers.
func (h *runtimeHAProxy) state(ctx context.Context, server, state string) error {
	line := "set server " + server + " state " + state
	answer, err := command(ctx, commandTime, h.Control, line)
	if err != nil || answer != "" {
		return h.refused(line, answer, err)
	}
	return nil
}

func (h *runtimeHAProxy) refused(line, answer string, err error) error {
	if err == nil {
		err = fmt.Errorf("HAProxy answered %q", answer)
	}
	return h.Failure(line, err)
}

// Close kills HAProxy.
func (h *runtimeHAProxy) Close() error {
	h.stop()
	return nil
}
