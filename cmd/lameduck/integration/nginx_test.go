package integration

import (
	"slices"
	"syscall"
	"testing"
)

// An nginxBalancer is an nginx as the load balancer of pods, for gRPC and for WebSocket.
type nginxBalancer struct {
	*program
	root            string
	grpc, websocket string // ports
}

func startNginxBalancer(t *testing.T, pods ...string) *nginxBalancer {
	t.Helper()
	path := requireProgram(t, "nginx")
	b := &nginxBalancer{root: publicDir(t), grpc: freePort(t), websocket: freePort(t)}
	config := b.configure(t, pods...)
	b.program = start(t, nil, path, "-p", b.root, "-e", "stderr", "-c", config, "-g", "daemon off;")
	awaitListener(t, b.grpcAddress())
	return b
}

func (b *nginxBalancer) grpcAddress() string { return "127.0.0.1:" + b.grpc }

// configure writes the configuration and returns its path.
func (b *nginxBalancer) configure(t *testing.T, pods ...string) (path string) {
	t.Helper()
	return fillIn(t, "nginx-balancer.conf", b.root, struct {
		Root, GRPC, WebSocket string
		Pods                  []string
	}{b.root, b.grpc, b.websocket, pods})
}

// learn reloads nginx with other pods. Old workers finish their requests.
func (b *nginxBalancer) learn(t *testing.T, pods ...string) {
	t.Helper()
	before := b.workers()
	b.configure(t, pods...)
	b.signal(t, syscall.SIGHUP)
	eventually(t, "nginx has a new worker", func() bool {
		return slices.ContainsFunc(b.workers(), func(pid int) bool { return !slices.Contains(before, pid) })
	})
}

func (b *nginxBalancer) workers() (pids []int) {
	for _, p := range processes() {
		if p.parent == b.pid() {
			pids = append(pids, p.pid)
		}
	}
	return pids
}
