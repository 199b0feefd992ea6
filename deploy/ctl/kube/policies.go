package kube

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"

	"lameduck/deploy/ctl/mode"
)

// A PolicyResource is a resource whose objects are policies.
type PolicyResource struct {
	Kind       string
	Namespaced bool
}

// PolicyResources returns the resources of the kinds of mode.PolicyKinds that a cluster has. With an
// error it returns those of the API groups that could be read.
func PolicyResources(d discovery.DiscoveryInterface) (map[schema.GroupVersionResource]PolicyResource, error) {
	groups, err := d.ServerGroups()
	if err != nil {
		return nil, fmt.Errorf("list API groups: %w", err)
	}
	found := make(map[schema.GroupVersionResource]PolicyResource)
	var failures []error
	for _, g := range groups.Groups {
		if len(mode.PolicyKinds[g.Name]) == 0 {
			continue
		}
		version := g.PreferredVersion.GroupVersion
		resources, err := d.ServerResourcesForGroupVersion(version)
		if err != nil {
			failures = append(failures, fmt.Errorf("list resources of %s: %w", version, err))
			continue
		}
		for _, r := range resources.APIResources {
			id := schema.GroupVersionResource{Group: g.Name, Version: g.PreferredVersion.Version, Resource: r.Name}
			if mode.IsPolicy(g.Name, r.Kind) && isWatched(r) {
				found[id] = PolicyResource{r.Kind, r.Namespaced}
			}
		}
	}
	return found, errors.Join(failures...)
}

// CalicoStorage is the API group of Calico's own resources. A cluster with Calico's API server has
// their policies in a second group, which may need more rights.
const CalicoStorage = "crd." + calico

const calico = "projectcalico.org"

// AreCopies reports whether two resources have the same policies, in two API groups.
func AreCopies(a, b schema.GroupVersionResource) bool {
	return a.Resource == b.Resource &&
		(a.Group == calico && b.Group == CalicoStorage || a.Group == CalicoStorage && b.Group == calico)
}

// SortedPolicyResources returns resources in the order of their names.
func SortedPolicyResources(found map[schema.GroupVersionResource]PolicyResource) []schema.GroupVersionResource {
	return slices.SortedFunc(maps.Keys(found), func(a, b schema.GroupVersionResource) int {
		return strings.Compare(a.String(), b.String())
	})
}

// isWatched reports whether a resource can be listed and watched. Subresources cannot.
func isWatched(r metav1.APIResource) bool {
	return slices.Contains(r.Verbs, "list") && slices.Contains(r.Verbs, "watch")
}
