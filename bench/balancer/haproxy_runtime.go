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

// slots is how many endpoints the Runtime API can be told of at a time.
const slots = 64

// runtimeHAProxy is HAProxy that is told of each change by its Runtime API: its configuration has servers without an
// address, which are given one and taken into service, and out of it again.
type runtimeHAProxy struct {
	settings
	*process

	mu sync.Mutex // held for as long as a change takes
	// used says which server an endpoint has.
	used map[string]string
	// free are the other servers, the one that has been free for longest first.
	free []string
}

func startHAProxy(ctx context.Context, c nodeConfig) (node, error) {
	s, err := newSettings(c)
	if err != nil {
		return nil, err
	}
	s.Slots = slots
	if err := s.write("haproxy.cfg"); err != nil {
		return nil, err
	}
	p, err := startProcess(ctx, c, syscall.SIGKILL, "haproxy", "-db", "-f", "haproxy.cfg")
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

// answers returns nil when the Runtime API does.
func (h *runtimeHAProxy) answers(ctx context.Context) error {
	_, err := command(ctx, h.Control, "show info")
	return err
}

// Addr returns the host:port that clients send to.
func (h *runtimeHAProxy) Addr() string { return h.Listen }

// Add returns when requests go to the endpoint at host:port, too. Adding one that is there is an error.
func (h *runtimeHAProxy) Add(ctx context.Context, addr string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, there := h.used[addr]; there {
		return fmt.Errorf("add endpoint %s: it is there already", addr)
	}
	if len(h.free) == 0 {
		return fmt.Errorf("add endpoint %s: all %d servers are taken: remove some", addr, slots)
	}
	server := h.free[0]
	if err := h.serve(ctx, server, addr); err != nil {
		return fmt.Errorf("add endpoint %s: %w", addr, err)
	}
	h.used[addr], h.free = server, h.free[1:]
	return nil
}

// serve gives a server its address and takes it into service.
func (h *runtimeHAProxy) serve(ctx context.Context, server, addr string) error {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return err
	}
	line := fmt.Sprintf("set server %s addr %s port %s", server, host, port)
	said, err := command(ctx, h.Control, line)
	if err != nil || !strings.Contains(said, "change") { // "... changed from ... to ..." or "no need to change ..."
		return h.refused(line, said, err)
	}
	return h.state(ctx, server, "ready")
}

// Remove returns when no request goes to the endpoint at host:port any more. Removing one that is not there is an error.
func (h *runtimeHAProxy) Remove(ctx context.Context, addr string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	server, there := h.used[addr]
	if !there {
		return fmt.Errorf("remove endpoint %s: it is not there", addr)
	}
	if err := h.state(ctx, server, "maint"); err != nil {
		return fmt.Errorf("remove endpoint %s: %w", addr, err)
	}
	delete(h.used, addr)
	h.free = append(h.free, server)
	return nil
}

// state sets a server's state, which takes effect before it is answered.
func (h *runtimeHAProxy) state(ctx context.Context, server, state string) error {
	line := "set server " + server + " state " + state
	said, err := command(ctx, h.Control, line)
	if err != nil || said != "" {
		return h.refused(line, said, err)
	}
	return nil
}

func (h *runtimeHAProxy) refused(line, said string, err error) error {
	if err == nil {
		err = fmt.Errorf("it says %q", said)
	}
	return h.Failure(line, err)
}

// Close ends HAProxy at once.
func (h *runtimeHAProxy) Close() error {
	h.stop()
	return nil
}
