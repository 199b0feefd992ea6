package kube

import (
	"slices"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	discovery "k8s.io/client-go/discovery/fake"
	dynamic "k8s.io/client-go/dynamic/fake"
	"k8s.io/client-go/kubernetes/fake"
	ktesting "k8s.io/client-go/testing"
)

// Calico has the same policies in two API groups, and its API server may refuse them.
func TestAPolicyThatIsRefusedInOneGroupIsReadInTheOther(t *testing.T) {
	public := schema.GroupVersionResource{Group: "projectcalico.org", Version: "v3", Resource: "networkpolicies"}
	stored := schema.GroupVersionResource{Group: CalicoStorage, Version: "v1", Resource: "networkpolicies"}
	both := []schema.GroupVersionResource{public, stored}
	for _, refused := range [][]schema.GroupVersionResource{{public}, {stored}, both} {
		typed := fake.NewClientset()
		found := typed.Discovery().(*discovery.FakeDiscovery)
		lists := map[schema.GroupVersionResource]string{}
		var objects []runtime.Object
		for _, id := range both {
			lists[id] = "NetworkPolicyList"
			found.Resources = append(found.Resources, &metav1.APIResourceList{
				GroupVersion: id.GroupVersion().String(), APIResources: []metav1.APIResource{{
					Name: id.Resource, Kind: "NetworkPolicy", Namespaced: true, Verbs: []string{"list", "watch"},
				}},
			})
			objects = append(objects, &unstructured.Unstructured{Object: map[string]any{
				"apiVersion": id.GroupVersion().String(), "kind": "NetworkPolicy",
				"metadata": map[string]any{"name": "calico", "namespace": "shop"},
			}})
		}
		untyped := dynamic.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(), lists, objects...)
		untyped.PrependReactor("list", "networkpolicies", func(a ktesting.Action) (bool, runtime.Object, error) {
			return slices.Contains(refused, a.GetResource()), nil, apierrors.NewForbidden(public.GroupResource(), "", nil)
		})
		a, unread, err := (&Client{typed, untyped}).Around(t.Context(), "shop")
		if err != nil {
			t.Fatal(err)
		}
		if read := len(both) - len(refused); len(a.Others) != read || (len(unread) == 0) != (read > 0) || (a.Unknown == "") != (read > 0) {
			t.Errorf("%v refused: %d policies, unread %v, unknown %q; want %d", refused, len(a.Others), unread, a.Unknown, read)
		}
	}
}
