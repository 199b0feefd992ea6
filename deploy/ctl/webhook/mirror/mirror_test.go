package mirror

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic/fake"
	clienttesting "k8s.io/client-go/testing"

	"lameduck/deploy/ctl/kube"
)

var createOptions metav1.CreateOptions

var (
	cilium       = schema.GroupVersionResource{Group: "cilium.io", Version: "v2", Resource: "ciliumnetworkpolicies"}
	calico       = schema.GroupVersionResource{Group: "projectcalico.org", Version: "v3", Resource: "networkpolicies"}
	calicoStored = schema.GroupVersionResource{Group: kube.CalicoStorage, Version: "v1", Resource: "networkpolicies"}
)

func object(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	o := new(unstructured.Unstructured)
	if err := json.Unmarshal([]byte(text), &o.Object); err != nil {
		t.Fatal(err)
	}
	return o
}

// A testMirror is a mirror of a cluster in memory.
type testMirror struct {
	t      *testing.T
	client *fake.FakeDynamicClient
	kinds  atomic.Pointer[map[schema.GroupVersionResource]kube.PolicyResource] // nil if discovery fails
	*Mirror
}

func newTestMirror(t *testing.T) *testMirror {
	t.Helper()
	r := &testMirror{t: t, client: fake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(),
		map[schema.GroupVersionResource]string{
			services: "ServiceList", namespaces: "NamespaceList", policies: "NetworkPolicyList",
			ingresses: "IngressList", ranges: "LimitRangeList", quotas: "ResourceQuotaList",
			cilium: "CiliumNetworkPolicyList", calico: "NetworkPolicyList", calicoStored: "NetworkPolicyList",
		},
		object(t, `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"shop","labels":{"a":"b"}}}`),
		object(t, `{"apiVersion":"v1","kind":"Service","metadata":{"name":"web","namespace":"shop"},
			"spec":{"selector":{"app":"web"},"ports":[{"port":80,"targetPort":"http"}]}}`),
		object(t, `{"apiVersion":"v1","kind":"Service","metadata":{"name":"db","namespace":"bank"}}`),
		object(t, `{"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","metadata":{"name":"p",
			"namespace":"bank"},"spec":{"egress":[{"ports":[{"port":8080}]}]}}`),
		object(t, `{"apiVersion":"networking.k8s.io/v1","kind":"Ingress","metadata":{"name":"i","namespace":"shop",
			"annotations":{"a":"b"}},"spec":{"defaultBackend":{"service":{"name":"web"}}}}`),
		object(t, `{"apiVersion":"v1","kind":"LimitRange","metadata":{"name":"l","namespace":"shop"},
			"spec":{"limits":[{"type":"Container","max":{"memory":"1Gi"}}]}}`),
		object(t, `{"apiVersion":"v1","kind":"LimitRange","metadata":{"name":"l","namespace":"bank"}}`),
		object(t, `{"apiVersion":"v1","kind":"ResourceQuota","metadata":{"name":"q","namespace":"shop"},
			"spec":{"hard":{"cpu":"1"}},"status":{"hard":{"cpu":"1"},"used":{"cpu":"500m"}}}`),
		object(t, `{"apiVersion":"cilium.io/v2","kind":"CiliumNetworkPolicy","metadata":{"name":"c",
			"namespace":"shop"},"spec":{"x":1}}`),
	)}
	found := map[schema.GroupVersionResource]kube.PolicyResource{cilium: {Kind: "CiliumNetworkPolicy", Namespaced: true}}
	r.kinds.Store(&found)
	r.Mirror = newMirror(r.client, func() (map[schema.GroupVersionResource]kube.PolicyResource, error) {
		if found := r.kinds.Load(); found != nil {
			return *found, nil
		}
		return nil, errors.New("no answer")
	}, zap.NewNop())
	return r
}

// start runs the mirror until the test ends.
func (r *testMirror) start() {
	ctx, stop := context.WithCancel(r.t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.Run(ctx)
	}()
	r.t.Cleanup(func() { stop(); <-ended })
}

// await waits until a condition holds.
func (r *testMirror) await(what string, condition func() bool) {
	r.t.Helper()
	for deadline := time.Now().Add(time.Minute); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			r.t.Fatalf("timeout: not yet %s; around shop: %+v", what, r.Around("shop"))
		}
	}
}

func TestAMirrorHasWhatSurroundsANamespace(t *testing.T) {
	t.Parallel()
	r := newTestMirror(t)
	if r.Around("shop").Unknown == "" {
		t.Error("before it runs, it knows everything")
	}
	r.start()
	r.await("all is known", func() bool { return r.Settled() })
	a := r.Around("shop")
	if a.Unknown != "" || a.Labels["a"] != "b" || len(a.Services) != 1 || a.Services[0].Name != "web" ||
		a.Services[0].Spec.Ports[0].TargetPort.StrVal != "http" {
		t.Errorf("around shop is %+v", a)
	}
	if len(a.Policies) != 1 || a.Policies[0].Spec.Egress[0].Ports[0].Port.IntVal != 8080 {
		t.Errorf("policies %+v", a.Policies)
	}
	if len(a.Others) != 1 || a.Others[0].Kind != "CiliumNetworkPolicy" || a.Others[0].Name != "c" {
		t.Errorf("policies of other kinds %+v", a.Others)
	}
	late := object(t, `{"apiVersion":"v1","kind":"Service","metadata":{"name":"late","namespace":"shop"}}`)
	if _, err := r.client.Resource(services).Namespace("shop").Create(t.Context(), late, createOptions); err != nil {
		t.Fatal(err)
	}
	r.await("a new Service is there", func() bool { return len(r.Around("shop").Services) == 2 })
}

func TestAMirrorHasWhatANamespaceDemands(t *testing.T) {
	t.Parallel()
	r := newTestMirror(t)
	r.start()
	r.await("the demands are known", func() bool {
		return r.ingresses.current() && r.ranges.current() && r.quotas.current()
	})
	a := r.Around("shop")
	if len(a.LimitRanges) != 1 || a.LimitRanges[0].Spec.Limits[0].Max.Memory().String() != "1Gi" {
		t.Errorf("the LimitRanges are %+v", a.LimitRanges)
	}
	if len(a.Quotas) != 1 || a.Quotas[0].Status.Used.Cpu().String() != "500m" {
		t.Errorf("quotas %+v", a.Quotas)
	}
	if len(a.Ingresses) != 1 || a.Ingresses[0].Annotations["a"] != "b" ||
		a.Ingresses[0].Spec.DefaultBackend.Service.Name != "web" {
		t.Errorf("the Ingresses are %+v", a.Ingresses)
	}
}

func TestWithoutTheRightsForLimitsTheModeIsKnown(t *testing.T) {
	t.Parallel()
	r := newTestMirror(t)
	for _, id := range []schema.GroupVersionResource{ingresses, ranges, quotas} {
		r.client.PrependReactor("list", id.Resource, func(clienttesting.Action) (bool, runtime.Object, error) {
			return true, nil, apierrors.NewForbidden(id.GroupResource(), "", errors.New("no role"))
		})
	}
	r.start()
	r.await("the mode is known", func() bool { return r.Settled() })
	if a := r.Around("shop"); a.Unknown != "" || len(a.Services) != 1 || a.LimitRanges != nil {
		t.Errorf("around shop is %+v", a)
	}
}

func TestWhatCannotBeReadIsUnknown(t *testing.T) {
	t.Parallel()
	for _, id := range []schema.GroupVersionResource{services, namespaces, policies, cilium} {
		t.Run(id.Resource, func(t *testing.T) {
			t.Parallel()
			r := newTestMirror(t)
			var allowed atomic.Bool
			r.client.PrependReactor("list", id.Resource, func(clienttesting.Action) (bool, runtime.Object, error) {
				return !allowed.Load(), nil, apierrors.NewForbidden(id.GroupResource(), "", errors.New("no role"))
			})
			r.start()
			r.await("the others are known", func() bool {
				for _, other := range []*resource{r.services, r.namespaces, r.policies} {
					if other.id != id && !other.current() {
						return false
					}
				}
				return r.unread() != "the kinds of policies"
			})
			a := r.Around("shop")
			if a.Unknown == "" || len(a.Policies) > 0 || len(a.Others) > 0 {
				t.Errorf("around shop is %+v, want no policies", a)
			}
			if read := id != services; (len(a.Services) > 0) != read {
				t.Errorf("%d Services around shop, which can be read: %v", len(a.Services), read)
			}
			allowed.Store(true)
			r.await("all is known", func() bool { return r.Around("shop").Unknown == "" })
		})
	}
}

// Calico has the same policies in two API groups, and its API server may refuse them.
func TestCalicosPoliciesAreReadWhereTheyMayBe(t *testing.T) {
	t.Parallel()
	for _, refused := range [][]schema.GroupVersionResource{{calico}, {calicoStored}, {calico, calicoStored}} {
		r := newTestMirror(t)
		kinds := map[schema.GroupVersionResource]kube.PolicyResource{
			calico: {Kind: "NetworkPolicy", Namespaced: true}, calicoStored: {Kind: "NetworkPolicy", Namespaced: true},
		}
		r.kinds.Store(&kinds)
		for id := range kinds {
			if !slices.Contains(refused, id) {
				policy := object(t, `{"apiVersion":"`+id.GroupVersion().String()+`","kind":"NetworkPolicy",
					"metadata":{"name":"calico","namespace":"shop"}}`)
				if _, err := r.client.Resource(id).Namespace("shop").Create(t.Context(), policy, createOptions); err != nil {
					t.Fatal(err)
				}
			}
		}
		r.client.PrependReactor("list", "networkpolicies", func(a clienttesting.Action) (bool, runtime.Object, error) {
			return slices.Contains(refused, a.GetResource()), nil, apierrors.NewForbidden(calico.GroupResource(), "", nil)
		})
		r.start()
		if len(refused) == 2 {
			r.await("the rest is known", func() bool { return strings.Contains(r.unread(), kube.CalicoStorage) })
			continue
		}
		r.await("all is known", r.Settled)
		if a := r.Around("shop"); a.Unknown != "" || len(a.Others) != 1 {
			t.Errorf("%v refused: around shop is %+v, want one policy of Calico", refused, a)
		}
	}
}

func TestUnknownKindsOfPoliciesAreUnknown(t *testing.T) {
	t.Parallel()
	r := newTestMirror(t)
	r.kinds.Store(nil)
	r.start()
	r.await("the others are known", func() bool { return r.unread() == "the kinds of policies" })
	if r.Around("shop").Unknown == "" {
		t.Error("it knows everything")
	}
}
