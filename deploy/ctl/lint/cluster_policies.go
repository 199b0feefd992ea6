package lint

import (
	"context"
	"fmt"
	"net/http"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"lameduck/deploy/ctl/kube"
	"lameduck/deploy/ctl/mode"
)

// otherPolicies reads the policies of the kinds of Cilium, Calico and others that a cluster has.
type otherPolicies struct {
	discovery discovery.DiscoveryInterface
	client    dynamic.Interface
	namespace string // empty means all namespaces

	kinds   map[schema.GroupVersionResource]kube.PolicyResource
	unknown error // why some kinds are unknown
	answers map[schema.GroupVersionResource]answer
}

func newOtherPolicies(ctx context.Context, config *rest.Config, namespace string) (*otherPolicies, error) {
	config = rest.CopyConfig(config)
	config.QPS, config.Burst = 200, 400
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("connect to the cluster: %w", err)
	}
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return &boundTransport{ctx, next} })
	discoverer, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("connect to the cluster: %w", err)
	}
	return &otherPolicies{discovery: discoverer, client: client, namespace: namespace}, nil
}

// A boundTransport ends requests with a context, as discovery takes none.
type boundTransport struct {
	ctx  context.Context //nolint:containedctx // it is what the transport is for
	next http.RoundTripper
}

func (t *boundTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	return t.next.RoundTrip(r.WithContext(t.ctx))
}

// read lists all policies.
func (p *otherPolicies) read(ctx context.Context) {
	p.kinds, p.unknown = kube.PolicyResources(p.discovery)
	p.answers = make(map[schema.GroupVersionResource]answer)
	var mu sync.Mutex
	var wg sync.WaitGroup
	for id, kind := range p.kinds {
		wg.Go(func() {
			a := p.list(ctx, id, kind.Namespaced)
			mu.Lock()
			defer mu.Unlock()
			p.answers[id] = a
		})
	}
	wg.Wait()
}

func (p *otherPolicies) list(ctx context.Context, id schema.GroupVersionResource, namespaced bool) answer {
	var resource dynamic.ResourceInterface = p.client.Resource(id)
	if namespaced {
		resource = p.client.Resource(id).Namespace(p.namespace)
	}
	return readPages(func(options metav1.ListOptions) (runtime.Object, error) { return resource.List(ctx, options) })
}

// isCopy reports whether the policies of a resource were listed in another API group.
func (p *otherPolicies) isCopy(id schema.GroupVersionResource) bool {
	for other, a := range p.answers {
		if kube.AreCopies(other, id) && a.err == nil {
			return id.Group == kube.CalicoStorage || p.answers[id].err != nil
		}
	}
	return false
}

// takeOthers adds the policies. Those that cannot be listed are recorded as unread.
func (in *Inventory) takeOthers(p *otherPolicies) error {
	if err := p.unknown; err != nil {
		if isFatal(err) {
			return explained(err)
		}
		in.unread = append(in.unread, unreadResource{
			resource: "apigroups", like: policyResource,
			why: fmt.Sprintf("the kinds of policies that Cilium, Calico and others add are not all known (%v)", err),
			fix: "repair the API service, or use a role that may discover the API, as system:discovery may",
		})
	}
	for _, id := range kube.SortedPolicyResources(p.kinds) {
		a := p.answers[id]
		switch {
		case p.isCopy(id), apierrors.IsNotFound(a.err): // or removed since the discovery
			continue
		case a.err != nil && isFatal(a.err):
			return fmt.Errorf("list %v: %w", id.GroupResource(), explained(a.err))
		case a.err != nil:
			in.unread = append(in.unread, unreadPolicies(id.GroupResource(), a.err))
			continue
		}
		for _, o := range a.objects {
			u := o.(*unstructured.Unstructured)
			in.objects++
			in.others = append(in.others, mode.NewPolicy(p.kinds[id].Kind, u.GetNamespace(), u.GetName(), u.Object))
		}
	}
	return nil
}

// unreadPolicies returns what is recorded of policies that could not be listed.
func unreadPolicies(r schema.GroupResource, err error) unreadResource {
	u := unreadResource{
		resource: r.String(), like: policyResource, why: fmt.Sprintf("they cannot be listed (%v)", err),
		fix: "repair the API service of " + r.Group,
	}
	if apierrors.IsForbidden(err) {
		u.why = "you are not allowed to list them"
		u.fix = fmt.Sprintf("use a role that may get and list %s of the API group %s", r.Resource, r.Group)
	}
	return u
}
