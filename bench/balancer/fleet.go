package balancer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"lameduck/bench/internal/port"
	"lameduck/bench/internal/wait"
)

// maxNodes is how many addresses 127.0.1.1 and on there are.
const maxNodes = 254

// FleetConfig describes load balancers of one kind that share endpoints. The zero value is one built-in load balancer
// that learns of everything at once, keeps no connection and tries nothing twice.
type FleetConfig struct {
	// Kind is what each node is. Empty means BuiltIn.
	Kind Kind
	// Lags says for each node how long after the fleet it learns of an endpoint's end. It learns of additions at once. Empty means one
	// node that learns of everything at once; zero or less means at once. A kind that reloads takes a moment for it, see Unsettled.
	Lags []time.Duration
	// Keepalive is how many idle connections each node keeps to each endpoint. Zero or less: none.
	Keepalive int
	// Retries is how many further endpoints a request may be sent to. Zero or less: none.
	Retries int
	// Source is the address that all nodes send from. The zero value gives each one of its own, 127.0.1.1 and on, which reaches
	// endpoints of this machine alone; 0.0.0.0 leaves it to the system.
	Source netip.Addr
	// Dir is a directory for the configurations and logs of the programs. BuiltIn needs none.
	Dir string
}

// source returns the address that the i-th node sends from.
func (c FleetConfig) source(i int) netip.Addr {
	if c.Source.IsValid() {
		return c.Source
	}
	return netip.AddrFrom4([4]byte{127, 0, 1, byte(i + 1)})
}

// nodeConfig is what a node is started with.
type nodeConfig struct {
	// Source is the address that it sends from.
	Source netip.Addr
	// Keepalive and Retries are as in FleetConfig, but never below zero.
	Keepalive, Retries int
	// Dir is the node's own directory.
	Dir   string
	ports *port.Picker
}

func (c FleetConfig) check() error {
	i, known := c.Kind.implementation()
	switch {
	case !known:
		return fmt.Errorf("load balancer %q is unknown: there are %v", c.Kind, Kinds())
	case c.Kind.Missing() != "":
		return errors.New("missing program: " + c.Kind.Missing())
	case len(c.Lags) > maxNodes:
		return fmt.Errorf("%d lags: at most %d nodes have an address of their own", len(c.Lags), maxNodes)
	case i.program != "" && c.Dir == "":
		return fmt.Errorf("load balancer %s has no directory for its configuration: set Dir", c.Kind)
	}
	return nil
}

// start starts the i-th node.
func (c FleetConfig) start(ctx context.Context, i int, ports *port.Picker) (node, error) {
	kind, _ := c.Kind.implementation()
	n := nodeConfig{
		Source:    c.source(i),
		Keepalive: max(c.Keepalive, 0),
		Retries:   max(c.Retries, 0),
		ports:     ports,
	}
	if kind.program != "" {
		n.Dir = filepath.Join(c.Dir, fmt.Sprintf("%s%d", c.Kind, i+1))
		if err := os.MkdirAll(n.Dir, 0o755); err != nil {
			return nil, fmt.Errorf("make a directory for its configuration: %w", err)
		}
	}
	return kind.start(ctx, n)
}

// Removal is when a node was told of an endpoint's end, and when it acted on it.
type Removal struct {
	// Node counts from 0.
	Node int
	Addr string
	// Told is when the fleet was told.
	Told time.Time
	// Done is when the node had acted: it chooses the endpoint for no request after this.
	Done time.Time
}

// Fleet is one or more load balancers that share endpoints, each of which learns of an endpoint's end with a lag of its
// own, as the way through Kubernetes controllers and a cloud's API brings with it. It is safe for use by several
// goroutines.
type Fleet struct {
	lags    []time.Duration
	settle  time.Duration // how long the fleet is unsettled before a node acts, and after it has
	nodes   []node
	closing chan struct{}  // closed by close
	close   func() error   // ends the fleet once
	disarm  func() bool    // ends the watch over the context
	changes atomic.Int32   // that nodes are acting on
	pending sync.WaitGroup // removals that are still to be acted on

	mu       sync.Mutex
	closed   bool // no removal is begun any more
	removals []Removal
	err      error
}

// errClosed is what becomes of a removal that a node has not been told of.
var errClosed = errors.New("the fleet was closed before")

// StartFleet starts the nodes, which have no endpoints yet. They end with Close, and at the latest when ctx is done.
func StartFleet(ctx context.Context, c FleetConfig) (*Fleet, error) {
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("start load balancers: %w", err)
	}
	kind, _ := c.Kind.implementation()
	f := newFleet(c.Lags)
	f.settle = kind.settle
	ports := new(port.Picker)
	for i := range f.lags {
		n, err := c.start(ctx, i, ports)
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("start load balancer %d of %d, %s: %w", i+1, len(f.lags), cmp.Or(c.Kind, BuiltIn), err)
		}
		f.nodes = append(f.nodes, n)
	}
	f.disarm = context.AfterFunc(ctx, func() { f.Close() })
	return f, nil
}

// newFleet returns a fleet that still lacks a node for each lag.
func newFleet(lags []time.Duration) *Fleet {
	if len(lags) == 0 {
		lags = []time.Duration{0}
	}
	f := &Fleet{lags: lags, closing: make(chan struct{}), disarm: func() bool { return true }}
	f.close = sync.OnceValue(f.end)
	return f
}

// Addrs returns the host:port that clients send to, one for each node.
func (f *Fleet) Addrs() []string {
	var addrs []string
	for _, n := range f.nodes {
		addrs = append(addrs, n.Addr())
	}
	return addrs
}

// Unsettled tells whether a node is acting on a change, is about to, or has just done so. One that reloads its configuration for it
// closes the idle connections of its clients then, one after the other, and what has been sent on one of them and not been read yet
// is lost. So clients are told a moment before, and have nothing unread there when it acts; and until a moment after, when they
// see what has been closed.
func (f *Fleet) Unsettled() bool { return f.changes.Load() > 0 }

// Add returns when every node sends requests to the endpoint at host:port. Adding one that is there is an error.
func (f *Fleet) Add(ctx context.Context, addr string) error {
	errs := make([]error, len(f.nodes))
	var adding sync.WaitGroup
	for i, n := range f.nodes {
		adding.Go(func() {
			if err := f.change(ctx, func() error { return n.Add(ctx, addr) }); err != nil {
				errs[i] = fmt.Errorf("load balancer %d: %w", i+1, err)
			}
		})
	}
	adding.Wait()
	return errors.Join(errs...)
}

// Remove returns at once with no error; each node learns of the endpoint's end after its lag, unless ctx is done or the
// fleet closed before. What the nodes then answer, Wait returns.
func (f *Fleet) Remove(ctx context.Context, addr string) error {
	told := time.Now()
	for i, lag := range f.lags {
		t := time.NewTimer(lag - f.settle)
		r := Removal{Node: i, Addr: addr, Told: told}
		begun := f.begin(func() {
			defer t.Stop()
			err := f.remove(ctx, t.C, r)
			r.Done = time.Now()
			f.note(r, err)
		})
		if !begun {
			f.note(r, errClosed)
		}
	}
	return nil
}

// change lets a node act while the fleet is unsettled.
func (f *Fleet) change(ctx context.Context, act func() error) error {
	f.changes.Add(1)
	defer time.AfterFunc(f.settle, func() { f.changes.Add(-1) })
	if err := wait.For(ctx, f.settle); err != nil {
		return err
	}
	return act()
}

// begin starts a removal that Close waits for, and reports false when there is nothing to wait for it any more.
func (f *Fleet) begin(removal func()) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.closed {
		f.pending.Go(removal)
	}
	return !f.closed
}

// remove tells a node of an endpoint's end when the lag is over; over comes a moment before that, for clients to be told.
func (f *Fleet) remove(ctx context.Context, over <-chan time.Time, r Removal) error {
	select {
	case <-over:
		return f.change(ctx, func() error { return f.nodes[r.Node].Remove(ctx, r.Addr) })
	case <-ctx.Done():
		return ctx.Err()
	case <-f.closing:
		return errClosed
	}
}

func (f *Fleet) note(r Removal, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil {
		f.err = errors.Join(f.err, fmt.Errorf("load balancer %d: remove endpoint %s after the lag: %w", r.Node+1, r.Addr, err))
		return
	}
	f.removals = append(f.removals, r)
}

// Wait returns when every node has acted on every removal, with the removals in the order in which they were done. Its
// error joins those of the removals that a node refused or that were dropped.
func (f *Fleet) Wait() ([]Removal, error) {
	f.pending.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	slices.SortFunc(f.removals, func(a, b Removal) int { return a.Done.Compare(b.Done) })
	return slices.Clone(f.removals), f.err
}

// Close ends the nodes with all their connections, at once, and drops the removals that they have not been told of.
// It can be called more than once.
func (f *Fleet) Close() error {
	f.disarm()
	return f.close()
}

func (f *Fleet) end() error {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	close(f.closing)
	f.pending.Wait()
	var errs []error
	for _, n := range f.nodes {
		errs = append(errs, n.Close())
	}
	return errors.Join(errs...)
}
