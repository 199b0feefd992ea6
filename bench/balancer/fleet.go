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

	"lameduck/bench/internal/wait"
)

// maxNodes is the number of addresses from 127.0.1.1 to 127.0.1.254, one for each node.
const maxNodes = 254

// FleetConfig configures load balancers of one kind that share endpoints. The zero value is one
// built-in load balancer without a lag, keep-alive or retries.
type FleetConfig struct {
	// Kind is the kind of every node. The default is BuiltIn.
	Kind Kind
	// Lags has the delay of each node: the time from a call of Remove until the node removes the
	// endpoint. Endpoints are added without delay. Zero or less means no delay, and an empty list
	// means one node without delay. A kind that reloads needs a moment more, see Unsettled.
	Lags []time.Duration
	// Keepalive is the number of idle connections that each node keeps to each endpoint. Zero or
	// less means none.
	Keepalive int
	// Retries is how many further endpoints a request may be sent to. Zero or less means no
	// retries.
	Retries int
	// Source is the local address of all connections to endpoints. By default each node has its
	// own, from 127.0.1.1 on, which reaches only endpoints on this machine. With 0.0.0.0 the system
	// chooses.
	Source netip.Addr
	// Dir is a directory for the configurations and logs of programs. BuiltIn does not need it.
	Dir string
}

// source returns the local address of the i-th node.
func (c FleetConfig) source(i int) netip.Addr {
	if c.Source.IsValid() {
		return c.Source
	}
	return netip.AddrFrom4([4]byte{127, 0, 1, byte(i + 1)})
}

// nodeConfig configures one node.
type nodeConfig struct {
	// Source is the local address of connections to endpoints.
	Source netip.Addr
	// Keepalive and Retries are as in FleetConfig, but never below zero.
	Keepalive, Retries int
	// Dir is the node's own directory.
	Dir string
}

func (c FleetConfig) check() error {
	i, known := c.Kind.implementation()
	switch {
	case !known:
		return fmt.Errorf("unknown load balancer %q: want one of %v", c.Kind, Kinds())
	case c.Kind.Missing() != "":
		return errors.New("missing program: " + c.Kind.Missing())
	case len(c.Lags) > maxNodes:
		return fmt.Errorf("%d lags: at most %d nodes have an address of their own", len(c.Lags), maxNodes)
	case i.program != "" && c.Dir == "":
		return fmt.Errorf("load balancer %s needs a directory for its configuration: set Dir", c.Kind)
	}
	return nil
}

// start starts the i-th node.
func (c FleetConfig) start(ctx context.Context, i int) (node, error) {
	kind, _ := c.Kind.implementation()
	n := nodeConfig{
		Source:    c.source(i),
		Keepalive: max(c.Keepalive, 0),
		Retries:   max(c.Retries, 0),
	}
	if kind.program != "" {
		n.Dir = filepath.Join(c.Dir, fmt.Sprintf("%s%d", c.Kind, i+1))
		if err := os.MkdirAll(n.Dir, 0o755); err != nil {
			return nil, fmt.Errorf("create the directory of its configuration: %w", err)
		}
	}
	return kind.start(ctx, n)
}

// A Removal is the removal of an endpoint from one node.
type Removal struct {
	// Node counts from 0.
	Node int
	Addr string
	// Requested is when Fleet.Remove was called.
	Requested time.Time
	// Done is when the node had removed the endpoint: it sends no later request to it.
	Done time.Time
}

// A Fleet is one or more load balancers that share endpoints. Each removes an endpoint after a lag
// of its own. The lag stands for the propagation through Kubernetes controllers and a cloud API. A
// Fleet is safe for concurrent use.
type Fleet struct {
	lags    []time.Duration
	settle  time.Duration // how long the fleet is unsettled before and after a change
	nodes   []node
	closing chan struct{}  // closed by close()
	close   func() error   // stops the fleet once
	disarm  func() bool    // stops watching the context
	changes atomic.Int32   // in progress on nodes
	pending sync.WaitGroup // removals in progress

	mu       sync.Mutex
	closed   bool // no removal is started any more
	removals []Removal
	err      error
}

// errClosed is the error of a removal that Close has dropped.
var errClosed = errors.New("the fleet was closed first")

// StartFleet starts the nodes, which have no endpoints yet. They run until Close is called or ctx
// is done.
func StartFleet(ctx context.Context, c FleetConfig) (*Fleet, error) {
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("start load balancers: %w", err)
	}
	kind, _ := c.Kind.implementation()
	f := newFleet(c.Lags)
	f.settle = kind.settle
	for i := range f.lags {
		n, err := c.start(ctx, i)
		if err != nil {
			f.Close()
			name := cmp.Or(c.Kind, BuiltIn)
			return nil, fmt.Errorf("start load balancer %d of %d, %s: %w", i+1, len(f.lags), name, err)
		}
		f.nodes = append(f.nodes, n)
	}
	f.disarm = context.AfterFunc(ctx, func() { f.Close() })
	return f, nil
}

// newFleet returns a fleet that has no nodes yet. It needs one for each lag.
func newFleet(lags []time.Duration) *Fleet {
	if len(lags) == 0 {
		lags = []time.Duration{0}
	}
	f := &Fleet{lags: lags, closing: make(chan struct{}), disarm: func() bool { return true }}
	f.close = sync.OnceValue(f.end)
	return f
}

// Addrs returns the host:port that clients connect to, one for each node.
func (f *Fleet) Addrs() []string {
	var addrs []string
	for _, n := range f.nodes {
		addrs = append(addrs, n.Addr())
	}
	return addrs
}

// Unsettled reports whether a node makes a change, is about to make one, or has just made one. A
// node that reloads its configuration closes idle connections of clients. A request that was sent
// on such a connection and has not been read is lost. So the fleet is unsettled a moment before the
// change, when clients stop using kept connections, until a moment after it, when they have seen
// which of them are closed.
func (f *Fleet) Unsettled() bool { return f.changes.Load() > 0 }

// Add returns when every node sends requests to the endpoint at host:port. Adding it twice is an
// error.
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

// Remove returns nil at once. Each node removes the endpoint after its lag, unless ctx is done or
// the fleet is closed first. Wait returns the results.
func (f *Fleet) Remove(ctx context.Context, addr string) error {
	requested := time.Now()
	for i, lag := range f.lags {
		t := time.NewTimer(lag - f.settle)
		r := Removal{Node: i, Addr: addr, Requested: requested}
		started := f.start(func() {
			defer t.Stop()
			err := f.remove(ctx, t.C, r)
			r.Done = time.Now()
			f.note(r, err)
		})
		if !started {
			f.note(r, errClosed)
		}
	}
	return nil
}

// change makes a change on a node while the fleet is unsettled.
func (f *Fleet) change(ctx context.Context, do func() error) error {
	f.changes.Add(1)
	defer time.AfterFunc(f.settle, func() { f.changes.Add(-1) })
	if err := wait.For(ctx, f.settle); err != nil {
		return err
	}
	return do()
}

// start starts a removal that Close waits for. It reports false if the fleet is closed.
func (f *Fleet) start(removal func()) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.closed {
		f.pending.Go(removal)
	}
	return !f.closed
}

// remove removes an endpoint from a node after its lag. due fires a moment earlier, so that the
// fleet is unsettled before the change.
func (f *Fleet) remove(ctx context.Context, due <-chan time.Time, r Removal) error {
	select {
	case <-due:
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
		err = fmt.Errorf("load balancer %d: remove endpoint %s after the lag: %w", r.Node+1, r.Addr, err)
		f.err = errors.Join(f.err, err)
		return
	}
	f.removals = append(f.removals, r)
}

// Wait waits until every removal is done or has failed, and returns those done in their order. Its
// error joins the errors of the others.
func (f *Fleet) Wait() ([]Removal, error) {
	f.pending.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	slices.SortFunc(f.removals, func(a, b Removal) int { return a.Done.Compare(b.Done) })
	return slices.Clone(f.removals), f.err
}

// Close stops the nodes at once and drops the removals that are not yet due. It can be called more
// than once.
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
