package balancer

import (
	"context"
	"fmt"
	"slices"
	"sync"
)

// An applier is a program that replaces all its endpoints at once.
type applier interface {
	// apply returns when requests go to these endpoints only. It is called by one goroutine at a
	// time.
	apply(ctx context.Context, endpoints []string) error
	Close() error
}

// listed is a node whose program gets the whole list of endpoints with each change.
type listed struct {
	applier
	addr string

	mu        sync.Mutex // held during a change
	endpoints []string
}

// Addr returns the host:port that clients connect to.
func (l *listed) Addr() string { return l.addr }

// Add returns when the endpoint at host:port gets requests. Adding it twice is an error.
func (l *listed) Add(ctx context.Context, addr string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if slices.Contains(l.endpoints, addr) {
		return fmt.Errorf("add endpoint %s: it exists already", addr)
	}
	return l.change(ctx, append(slices.Clone(l.endpoints), addr))
}

// Remove returns when the endpoint at host:port gets no more requests. Removing an unknown endpoint
// is an error.
func (l *listed) Remove(ctx context.Context, addr string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := slices.Index(l.endpoints, addr)
	if i < 0 {
		return fmt.Errorf("remove endpoint %s: there is no such endpoint", addr)
	}
	return l.change(ctx, slices.Delete(slices.Clone(l.endpoints), i, i+1))
}

func (l *listed) change(ctx context.Context, to []string) error {
	if err := l.apply(ctx, to); err != nil {
		return err
	}
	l.endpoints = to
	return nil
}
