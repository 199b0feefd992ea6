package balancer

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"syscall"
)

// startHAProxyReload starts HAProxy in master-worker mode. On "reload" the master executes itself
// and starts a new worker with the listening sockets of the old worker, and then asks the old
// worker to finish, which closes its idle connections of clients. SIGUSR2 would also reload, but a
// signal that arrives during a reload is lost.
func startHAProxyReload(ctx context.Context, c nodeConfig) (node, error) {
	s, err := newSettings(c)
	if err != nil {
		return nil, err
	}
	h := &reloader{settings: s, file: "haproxy.cfg"}
	h.reload = func(ctx context.Context) error {
		_, err := command(ctx, commandTime, h.Control, "reload")
		if err != nil && !errors.Is(err, syscall.ECONNRESET) {
			return h.Failure("reload", err)
		}
		return nil
	}
	h.newest = func(ctx context.Context) (int, error) { return haproxyWorker(ctx, h.settings) }
	return startReloader(ctx, h, "haproxy", "-W", "-db", "-S", "ipv4@"+s.Control, "-f", h.file)
}

// processes matches the master's answer to "show proc": the number of reloads, the number of failed
// reloads, and the newest worker.
var processes = regexp.MustCompile(`\smaster\s+(\d+) \[failed: (\d+)\][^#]*# workers\n(\d+)`)

// haproxyWorker returns the newest worker, if it has the newest configuration.
func haproxyWorker(ctx context.Context, s settings) (int, error) {
	answer, err := command(ctx, pollTime, s.Control, "show proc")
	if err != nil {
		return 0, err
	}
	m := processes.FindStringSubmatch(answer)
	if m == nil || m[1] != strconv.Itoa(s.Generation) || m[2] != "0" {
		return 0, fmt.Errorf("its master is not at reload %d: %q", s.Generation, answer)
	}
	return strconv.Atoi(m[3])
}
