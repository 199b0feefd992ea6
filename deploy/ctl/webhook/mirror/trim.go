package mirror

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"

	"lameduck/deploy/ctl/mode"
)

// trimmed converts an object and keeps what identifies it, its labels and its annotations.
func trimmed[T any](o any, into *T, meta func(*T) *metav1.ObjectMeta) (any, error) {
	object, is := o.(*unstructured.Unstructured)
	if !is {
		return o, nil // it has been converted already, or is the tombstone of a deletion
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, into); err != nil {
		return nil, fmt.Errorf("%s %s: %w", object.GetKind(), object.GetName(), err)
	}
	m := meta(into)
	*m = metav1.ObjectMeta{
		Name: m.Name, Namespace: m.Namespace, Labels: m.Labels, Annotations: m.Annotations,
		UID: m.UID, ResourceVersion: m.ResourceVersion,
	}
	return into, nil
}

func trimService(o any) (any, error) {
	return trimmed(o, new(corev1.Service), func(s *corev1.Service) *metav1.ObjectMeta {
		s.Status = corev1.ServiceStatus{}
		return &s.ObjectMeta
	})
}

func trimNamespace(o any) (any, error) {
	return trimmed(o, new(corev1.Namespace), func(n *corev1.Namespace) *metav1.ObjectMeta { return &n.ObjectMeta })
}

func trimPolicy(o any) (any, error) {
	return trimmed(o, new(networkingv1.NetworkPolicy), func(p *networkingv1.NetworkPolicy) *metav1.ObjectMeta {
		return &p.ObjectMeta
	})
}

// other is a policy of another kind, with what identifies it in a store.
type other struct {
	metav1.ObjectMeta
	policy mode.Policy
}

func trimOther(kind string) trim {
	return func(o any) (any, error) {
		object, is := o.(*unstructured.Unstructured)
		if !is {
			return o, nil
		}
		return &other{
			metav1.ObjectMeta{
				Name: object.GetName(), Namespace: object.GetNamespace(), UID: object.GetUID(),
				ResourceVersion: object.GetResourceVersion(),
			},
			mode.NewPolicy(kind, object.GetNamespace(), object.GetName(), object.Object),
		}, nil
	}
}

// policyResources returns the kinds of policies that a cluster has.
func policyResources(d discovery.DiscoveryInterface) (map[schema.GroupVersionResource]string, error) {
	groups, err := d.ServerGroups()
	if err != nil {
		return nil, fmt.Errorf("list API groups: %w", err)
	}
	found := make(map[schema.GroupVersionResource]string)
	for _, g := range groups.Groups {
		if len(mode.PolicyKinds[g.Name]) == 0 {
			continue
		}
		version := g.PreferredVersion.GroupVersion
		resources, err := d.ServerResourcesForGroupVersion(version)
		if err != nil {
			return nil, fmt.Errorf("list resources of %s: %w", version, err)
		}
		for _, r := range resources.APIResources {
			id := schema.GroupVersionResource{Group: g.Name, Version: g.PreferredVersion.Version, Resource: r.Name}
			if mode.IsPolicy(g.Name, r.Kind) && isWatched(r) {
				found[id] = r.Kind
			}
		}
	}
	return found, nil
}

// isWatched reports whether a resource can be listed and watched. Subresources cannot.
func isWatched(r metav1.APIResource) bool {
	list, watch := false, false
	for _, verb := range r.Verbs {
		list, watch = list || verb == "list", watch || verb == "watch"
	}
	return list && watch
}
