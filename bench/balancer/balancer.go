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

// defaultTimeout is as nginx's proxy_connect_timeout and proxy_read_timeout.
const defaultTimeout = 60 * time.Second

// errNoEndpoint is what a request meets when every endpoint has been tried or none is there.
var errNoEndpoint = errors.New("no endpoint: add one before sending requests")

// Config says how a balancer treats its endpoints. The zero value keeps no connection and tries nothing twice.
type Config struct {
	// Keepalive is how many idle connections are kept to each endpoint. Zero or less: none, every request has a
	// connection of its own.
	Keepalive int
	// Retries is how many further endpoints a request may be sent to. Zero or less: none.
	Retries int
	// ConnectTimeout bounds the making of a connection. Zero or less means 60 s.
	ConnectTimeout time.Duration
	// ReadTimeout bounds the wait for an endpoint's answer, and then for each further part of its body. Zero or
	// less means 60 s.
	ReadTimeout time.Duration
	// Source is the address that it sends from. The zero value leaves that to the system.
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
	buffers  sync.Pool     // of *[copySize]byte

	mu        sync.Mutex
	endpoints []*endpoint
	turn      int
}

// Start returns a balancer that serves on a free port of 127.0.0.1 until Close. It has no endpoints yet.
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

// Addr returns the host:port that clients send to.
func (b *Balancer) Addr() string { return b.listener.Addr().String() }

// Close ends the balancer at once, with every connection to clients and every idle one to endpoints.
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

// Add gives the endpoint at host:port its share of the requests from now on. Adding one that is there is an error.
func (b *Balancer) Add(_ context.Context, addr string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.index(addr) >= 0 {
		return fmt.Errorf("add endpoint %s: it is there already", addr)
	}
	b.endpoints = append(b.endpoints, &endpoint{addr, keepalive.NewPool(addr, b.cfg.Keepalive, b.cfg.Source)})
	return nil
}

// Remove sends the endpoint at host:port no request any more and closes its idle connections. Requests under way
// are finished. Removing one that is not there is an error.
func (b *Balancer) Remove(_ context.Context, addr string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := b.index(addr)
	if i < 0 {
		return fmt.Errorf("remove endpoint %s: it is not there", addr)
	}
	b.endpoints[i].pool.Close()
	b.endpoints = slices.Delete(b.endpoints, i, i+1)
	return nil
}

// index returns where the endpoint stands, or -1. b.mu is held.
func (b *Balancer) index(addr string) int {
	return slices.IndexFunc(b.endpoints, func(e *endpoint) bool { return e.addr == addr })
}

// next returns the endpoint whose turn it is among those that have not been tried, or nil.
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
