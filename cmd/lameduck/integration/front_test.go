package integration

import (
	"io"
	"net"
	"slices"
	"sync"
	"testing"
)

// A front is a TCP load balancer. It assigns each connection to the next of its backends, and does
// not move it when the backends change.
type front struct {
	address string
	relays  sync.WaitGroup

	mu       sync.Mutex
	backends []string
	next     int
	conns    map[net.Conn]struct{}
	over     bool
}

func startFront(t *testing.T, backends ...string) *front {
	t.Helper()
	ln := listen(t)
	f := &front{address: ln.Addr().String(), backends: backends, conns: make(map[net.Conn]struct{})}
	f.relays.Go(func() { f.accept(ln) })
	t.Cleanup(func() {
		_ = ln.Close()
		f.cut()
		f.relays.Wait()
	})
	return f
}

func (f *front) accept(ln net.Listener) {
	for {
		client, err := ln.Accept()
		if err != nil {
			return
		}
		f.relays.Go(func() { f.serve(client) })
	}
}

// add and remove change the backends of new connections.
func (f *front) add(backend string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.backends = append(f.backends, backend)
}

func (f *front) remove(backend string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.backends = slices.DeleteFunc(f.backends, func(b string) bool { return b == backend })
}

func (f *front) choose() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.next++
	return f.backends[f.next%len(f.backends)]
}

// serve relays a connection in both directions until both have ended.
func (f *front) serve(client net.Conn) {
	defer client.Close()
	backend, err := net.Dial("tcp", f.choose())
	if err != nil {
		return
	}
	defer backend.Close()
	if !f.track(client, backend) {
		return
	}
	defer f.untrack(client, backend)
	var answers sync.WaitGroup
	answers.Go(func() { pass(client, backend) })
	pass(backend, client)
	answers.Wait()
}

// pass relays one direction and its end.
func pass(to, from net.Conn) {
	_, err := io.Copy(to, from)
	if err != nil {
		_ = to.Close()
		_ = from.Close()
		return
	}
	_ = to.(*net.TCPConn).CloseWrite()
}

// track records the two sides of a connection. It returns false if the front has been closed.
func (f *front) track(conns ...net.Conn) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range conns {
		f.conns[c] = struct{}{}
	}
	return !f.over
}

func (f *front) untrack(conns ...net.Conn) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range conns {
		delete(f.conns, c)
	}
}

// cut closes the connections that are left.
func (f *front) cut() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.over = true
	for c := range f.conns {
		_ = c.Close()
	}
}
