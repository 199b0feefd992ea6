package balancer

import (
	"context"
	"fmt"
	"slices"
	"sync"
)

// applier is a program that is given all its endpoints at once.
type applier interface {
	// apply returns when requests go to these endpoints and to no others. It is called by one goroutine at a time.
	apply(ctx context.Context, endpoints []string) error
	Close() error
}

// listed is a node whose program is given a new list of endpoints for each change, one after the other.
type listed struct {
	applier
	addr string

	mu        sync.Mutex // held for as long as a change takes
	endpoints []string
}

// Addr returns the host:port that clients send to.
func (l *listed) Addr() string { return l.addr }

// Add returns when requests go to the endpoint at host:port, too. Adding one that is there is an error.
func (l *listed) Add(ctx context.Context, addr string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if slices.Contains(l.endpoints, addr) {
		return fmt.Errorf("add endpoint %s: it is there already", addr)
	}
	return l.change(ctx, append(slices.Clone(l.endpoints), addr))
}

// Remove returns when no request goes to the endpoint at host:port any more. Removing one that is not there is an error.
func (l *listed) Remove(ctx context.Context, addr string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := slices.Index(l.endpoints, addr)
	if i < 0 {
		return fmt.Errorf("remove endpoint %s: it is not there", addr)
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
