package mirror

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"lameduck/deploy/ctl/kube"
	"lameduck/deploy/ctl/mode"
)

// The resources that every cluster has.
var (
	services   = schema.GroupVersionResource{Version: "v1", Resource: "services"}
	namespaces = schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}
	policies   = schema.GroupVersionResource{Group: "networking.k8s.io", Version: "v1", Resource: "networkpolicies"}
	ingresses  = schema.GroupVersionResource{Group: "networking.k8s.io", Version: "v1", Resource: "ingresses"}
	ranges     = schema.GroupVersionResource{Version: "v1", Resource: "limitranges"}
	quotas     = schema.GroupVersionResource{Version: "v1", Resource: "resourcequotas"}
)

// Resources returns the resources that a Mirror reads in every cluster.
func Resources() []schema.GroupVersionResource {
	return []schema.GroupVersionResource{services, namespaces, policies, ingresses, ranges, quotas}
}

const (
	// discoveryPeriod is the time between two looks for new kinds of policies.
	discoveryPeriod = 5 * time.Minute

	// discoveryRetry is the time after one that has failed.
	discoveryRetry = 5 * time.Second
)

// A Mirror has the copies. Its methods may be called at the same time.
type Mirror struct {
	// AllowRedirect is that of each [mode.Around]. It must be set before the first call.
	AllowRedirect bool

	log    *zap.Logger
	client dynamic.Interface
	kinds  kindsFunc

	services, namespaces, policies *resource // without one of these the mode is unknown
	ingresses, ranges, quotas      *resource // without one of these the defaults apply

	mu     sync.Mutex
	others map[schema.GroupVersionResource]*resource // nil until the first discovery
}

// A kindsFunc returns the resources of the kinds of mode.PolicyKinds that the cluster has.
type kindsFunc func() (map[schema.GroupVersionResource]kube.PolicyResource, error)

// New returns a mirror of a cluster. It is empty until Run.
func New(config *rest.Config, log *zap.Logger) (*Mirror, error) {
	config = rest.CopyConfig(config)
	config.QPS, config.Burst = 50, 100
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	config.Timeout = 10 * time.Second
	discoverer, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, err
	}
	return newMirror(client, func() (map[schema.GroupVersionResource]kube.PolicyResource, error) {
		return kube.PolicyResources(discoverer)
	}, log), nil
}

func newMirror(client dynamic.Interface, kinds kindsFunc, log *zap.Logger) *Mirror {
	m := &Mirror{log: log, client: client, kinds: kinds}
	m.services = newResource(client, services, trimService, log)
	m.namespaces = newResource(client, namespaces, trimNamespace, log)
	m.policies = newResource(client, policies, trimPolicy, log)
	m.ingresses = newResource(client, ingresses, trimIngress, log)
	m.ranges = newResource(client, ranges, trimLimitRange, log)
	m.quotas = newResource(client, quotas, trimQuota, log)
	return m
}

// Run keeps the copies current until ctx is done.
func (m *Mirror) Run(ctx context.Context) {
	var all sync.WaitGroup
	defer all.Wait()
	for _, r := range []*resource{m.services, m.namespaces, m.policies, m.ingresses, m.ranges, m.quotas} {
		all.Go(func() { r.run(ctx) })
	}
	for ctx.Err() == nil {
		wait := discoveryPeriod
		if err := m.discover(ctx, &all); err != nil {
			m.log.Warn("kinds of policies unknown; retrying", zap.Error(err))
			wait = discoveryRetry
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
	}
}

// discover starts to mirror kinds of policies that are new, and stops those that are gone.
func (m *Mirror) discover(ctx context.Context, all *sync.WaitGroup) error {
	found, err := m.kinds()
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.others == nil {
		m.others = make(map[schema.GroupVersionResource]*resource)
	}
	for id, r := range m.others {
		if _, still := found[id]; !still {
			r.stop()
			delete(m.others, id)
		}
	}
	for id, policy := range found {
		if m.others[id] == nil {
			r := newResource(m.client, id, trimOther(policy.Kind), m.log)
			m.others[id] = r
			all.Go(func() { r.run(ctx) })
		}
	}
	return nil
}

// Settled reports whether all that the mode depends on has been read.
func (m *Mirror) Settled() bool { return m.unread() == "" }

// Around returns what surrounds the pods of a namespace. Its objects must not be changed.
func (m *Mirror) Around(namespace string) *mode.Around {
	a := &mode.Around{Namespace: namespace, AllowRedirect: m.AllowRedirect}
	if name := m.unread(); name != "" {
		a.Unknown = "the webhook cannot read " + name
	}
	if n, is := get[*corev1.Namespace](m.namespaces, namespace); is {
		a.Labels, a.Annotations = n.Labels, n.Annotations
	}
	a.Ingresses = inNamespace[*networkingv1.Ingress](m.ingresses, namespace)
	a.LimitRanges = inNamespace[*corev1.LimitRange](m.ranges, namespace)
	a.Quotas = inNamespace[*corev1.ResourceQuota](m.quotas, namespace)
	if m.services.current() { // to find ports, also if no mode that needs the rest is possible
		a.Services = inNamespace[*corev1.Service](m.services, namespace)
	}
	if a.Unknown != "" {
		return a
	}
	a.Policies = list[*networkingv1.NetworkPolicy](m.policies)
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, id := range m.otherResources() {
		if !m.others[id].current() {
			continue // there is a copy
		}
		for _, o := range list[*other](m.others[id]) {
			a.Others = append(a.Others, o.policy)
		}
	}
	return a
}

// unread returns the name of a resource that the mode depends on and of which the copy is not
// current, or an empty string.
func (m *Mirror) unread() string {
	for _, r := range []*resource{m.services, m.namespaces, m.policies} {
		if !r.current() {
			return r.id.Resource
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.others == nil {
		return "the kinds of policies"
	}
	for _, id := range m.otherResources() {
		if !m.others[id].current() && !m.hasCopyLocked(id) {
			return id.GroupResource().String()
		}
	}
	return ""
}

// hasCopyLocked reports whether the copy of another resource is current that has the same policies.
func (m *Mirror) hasCopyLocked(id schema.GroupVersionResource) bool {
	for other, r := range m.others {
		if kube.AreCopies(id, other) && r.current() {
			return true
		}
	}
	return false
}

// otherResources returns the resources of other kinds in a fixed order. The caller holds the mutex.
func (m *Mirror) otherResources() []schema.GroupVersionResource {
	return slices.SortedFunc(maps.Keys(m.others), func(a, b schema.GroupVersionResource) int {
		return slices.Compare([]string{a.Group, a.Resource}, []string{b.Group, b.Resource})
	})
}
