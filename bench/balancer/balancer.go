package balancer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"

	"lameduck/bench/internal/keepalive"
)

// defaultTimeout is the default of nginx's proxy_connect_timeout and proxy_read_timeout.
const defaultTimeout = 60 * time.Second

// errNoEndpoint is the error of a request that finds no endpoint.
var errNoEndpoint = errors.New("no endpoint: add one before sending requests")

// Config configures a balancer. The zero value keeps no connection alive and never retries.
type Config struct {
	// Keepalive is the number of idle connections kept to each endpoint. If it is zero or less,
	// every request gets a new connection.
	Keepalive int
	// Retries is how many further endpoints a request may be sent to. Zero or less means no
	// retries.
	Retries int
	// ConnectTimeout bounds the time to connect. Zero or less means 60 s.
	ConnectTimeout time.Duration
	// ReadTimeout bounds the wait for an endpoint's response and for each further part of its body.
	// Zero or less means 60 s.
	ReadTimeout time.Duration
	// Source is the local address of connections to endpoints. The zero value lets the system
	// choose.
	Source netip.Addr
}

func (c Config) withDefaults() Config {
	if c.ConnectTimeout <= 0 {
		c.ConnectTimeout = defaultTimeout
	}
	if c.ReadTimeout <= 0 {
		c.ReadTimeout = defaultTimeout
	}
	return c
}

// Balancer spreads the requests of its clients over endpoints.
type Balancer struct {
	cfg      Config
	listener net.Listener
	server   *http.Server
	served   chan struct{} // closed when the server has ended
	buffers  sync.Pool     // *[copySize]byte

	mu        sync.Mutex
	endpoints []*endpoint
	turn      int
}

// Start returns a balancer that serves on a free port of 127.0.0.1 until Close. It has no endpoints
// yet.
func Start(cfg Config) (*Balancer, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start balancer: %w", err)
	}
	b := &Balancer{cfg: cfg.withDefaults(), listener: l, served: make(chan struct{})}
	b.buffers.New = func() any { return new([copySize]byte) }
	b.server = &http.Server{Handler: b, ErrorLog: log.New(io.Discard, "", 0)}
	go func() {
		defer close(b.served)
		b.server.Serve(l)
	}()
	return b, nil
}

// startBuiltIn starts a balancer as a node of a fleet.
func startBuiltIn(_ context.Context, c nodeConfig) (node, error) {
	return Start(Config{Keepalive: c.Keepalive, Retries: c.Retries, Source: c.Source})
}

// Addr returns the host:port that clients connect to.
func (b *Balancer) Addr() string { return b.listener.Addr().String() }

// Close stops the balancer at once. It closes every connection to clients and every idle connection
// to endpoints.
func (b *Balancer) Close() error {
	err := b.server.Close()
	<-b.served
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.endpoints {
		e.pool.Close()
	}
	b.endpoints = nil
	return err
}

// Add adds the endpoint at host:port, which gets its share of the requests from now on. Adding it
// twice is an error.
func (b *Balancer) Add(_ context.Context, addr string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.indexLocked(addr) >= 0 {
		return fmt.Errorf("add endpoint %s: it exists already", addr)
	}
	b.endpoints = append(b.endpoints, &endpoint{addr, keepalive.NewPool(addr, b.cfg.Keepalive, b.cfg.Source)})
	return nil
}

// Remove removes the endpoint at host:port: it gets no new request, and its idle connections are
// closed. Requests in flight are finished. Removing an unknown endpoint is an error.
func (b *Balancer) Remove(_ context.Context, addr string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := b.indexLocked(addr)
	if i < 0 {
		return fmt.Errorf("remove endpoint %s: there is no such endpoint", addr)
	}
	b.endpoints[i].pool.Close()
	b.endpoints = slices.Delete(b.endpoints, i, i+1)
	return nil
}

// indexLocked returns the index of the endpoint, or -1. The caller holds b.mu.
func (b *Balancer) indexLocked(addr string) int {
	return slices.IndexFunc(b.endpoints, func(e *endpoint) bool { return e.addr == addr })
}

// next returns the next endpoint in turn that has not been tried, or nil if there is none.
func (b *Balancer) next(tried []*endpoint) *endpoint {
	b.mu.Lock()
	defer b.mu.Unlock()
	for range b.endpoints {
		b.turn++
		if e := b.endpoints[b.turn%len(b.endpoints)]; !slices.Contains(tried, e) {
			return e
		}
	}
	return nil
}
