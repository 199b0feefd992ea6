//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/types"

	"lameduck/bench/balancer"
	"lameduck/bench/load"
	"lameduck/deploy/deploytest"
)

// ingress is an nginx and an HAProxy in front of the pods of a Service. They add a pod from the
// EndpointSlices at once, and remove it after a lag, as if through the API of a cloud. They never
// retry, so every failure is visible.
type ingress struct {
	kinds  []balancer.Kind
	fleets []*balancer.Fleet // one of each kind

	mu     sync.Mutex
	slices map[types.UID][]string // addresses by EndpointSlice
	listed map[string]bool
}

// An ingressConfig configures the load balancers.
type ingressConfig struct {
	lag      time.Duration // how late they remove a pod
	keepNone bool          // no keep-alive to pods
}

// startIngress returns when the load balancers have the given number of endpoints.
func (s *stage) startIngress(t *testing.T, c ingressConfig, endpoints int) *ingress {
	t.Helper()
	ctx, keep := t.Context(), 32 // enough for all requests in flight
	if c.keepNone {
		keep = 0
	}
	in := &ingress{kinds: []balancer.Kind{balancer.HAProxy, balancer.Nginx},
		slices: make(map[types.UID][]string), listed: make(map[string]bool)}
	for _, kind := range in.kinds {
		f, err := balancer.StartFleet(ctx, balancer.FleetConfig{
			Kind: kind, Lags: []time.Duration{c.lag}, Keepalive: keep, Source: netip.IPv4Unspecified(),
			Dir: t.TempDir(),
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		in.fleets = append(in.fleets, f)
	}
	watch(ctx, t, func(e event[discoveryv1.EndpointSlice]) {
		if err := in.see(ctx, e); err != nil && ctx.Err() == nil {
			t.Errorf("ingress: %v", err)
		}
	}, "endpointslices", "-n", s.namespace, "-l", discoveryv1.LabelServiceName+"=app")
	in.awaitEndpoints(t, endpoints)
	return in
}

// see updates both load balancers from the EndpointSlices.
func (in *ingress) see(ctx context.Context, e event[discoveryv1.EndpointSlice]) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	delete(in.slices, e.Object.UID)
	if e.Type != "DELETED" {
		in.slices[e.Object.UID] = addresses(e.Object)
	}
	want := make(map[string]bool)
	for _, s := range in.slices {
		for _, a := range s {
			want[a] = true
		}
	}
	for a := range want {
		if err := in.change(ctx, !in.listed[a], a, (*balancer.Fleet).Add); err != nil {
			return err
		}
	}
	for a := range in.listed {
		if err := in.change(ctx, !want[a], a, (*balancer.Fleet).Remove); err != nil {
			return err
		}
	}
	in.listed = want
	return nil
}

func (in *ingress) change(ctx context.Context, needed bool, addr string,
	do func(*balancer.Fleet, context.Context, string) error) error {
	if !needed {
		return nil
	}
	for _, f := range in.fleets {
		if err := do(f, ctx, addr); err != nil {
			return err
		}
	}
	return nil
}

// addresses returns the host:port of the ready endpoints that are not terminating.
func addresses(s discoveryv1.EndpointSlice) []string {
	var list []string
	for _, e := range s.Endpoints {
		for _, p := range s.Ports {
			if e.Conditions.Ready != nil && *e.Conditions.Ready && p.Port != nil {
				list = append(list, net.JoinHostPort(e.Addresses[0], strconv.Itoa(int(*p.Port))))
			}
		}
	}
	return list
}

// awaitEndpoints returns when the load balancers have the given number of endpoints.
func (in *ingress) awaitEndpoints(t *testing.T, n int) {
	t.Helper()
	deploytest.Await(t, waitTimeout, "endpoints at the load balancers", func() error {
		in.mu.Lock()
		defer in.mu.Unlock()
		if len(in.listed) != n {
			return fmt.Errorf("%d, want %d", len(in.listed), n)
		}
		return nil
	})
}

// everyKind are GET and POST requests over keep-alive and new connections.
var everyKind = []load.Request{
	{Method: "GET"}, {Method: "POST", Body: 2000}, {Method: "GET", NewConn: true},
	{Method: "POST", Body: 2000, NewConn: true},
}

// A running load lasts until end is called.
type running struct {
	cancel  context.CancelFunc
	sending sync.WaitGroup
	results []*load.Result // one for each load balancer
}

// startLoad sends half of the requests to each load balancer.
func (in *ingress) startLoad(t *testing.T, perSecond float64, kinds ...load.Request) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	r := &running{cancel: cancel, results: make([]*load.Result, len(in.fleets))}
	for i, f := range in.fleets {
		c := load.Config{Addrs: f.Addrs(), Arrivals: load.Constant(perSecond / 2), Requests: kinds,
			Timeout: 30 * time.Second}
		if in.kinds[i] == balancer.Nginx {
			c.Requests = overNewConnections(kinds)
		}
		r.sending.Go(func() {
			var err error
			if r.results[i], err = load.Run(ctx, c); err != nil {
				t.Error(err)
			}
		})
	}
	return r
}

// overNewConnections uses a new connection for each request. nginx closes idle client connections
// when it reloads its configuration, and a request that races with that is lost, which is not the
// fault of a pod. nginx still keeps its connections to pods.
func overNewConnections(kinds []load.Request) []load.Request {
	kinds = slices.Clone(kinds)
	for i := range kinds {
		kinds[i].NewConn = true
	}
	return kinds
}

// end stops the load and returns the results.
func (r *running) end(t *testing.T) []*load.Result {
	t.Helper()
	r.cancel()
	r.sending.Wait()
	for _, result := range r.results {
		t.Logf("%d requests, %d lost %v", result.Requests(), len(result.Failures()), result.ByCause())
	}
	return r.results
}

// expectNoneLost reports the first lost requests, with the time at which they were due.
func expectNoneLost(t *testing.T, results []*load.Result) {
	t.Helper()
	for _, result := range results {
		if result.Requests() == 0 {
			t.Error("there was no load")
		}
		for i, s := range result.Failures() {
			if i == 5 {
				t.Errorf("... %d are lost", len(result.Failures()))
				break
			}
			t.Errorf("%s at %s is lost: "+
				"%v", s.Request, result.Start.Add(s.Due).UTC().Format(time.RFC3339Nano), s.Err)
		}
	}
}
