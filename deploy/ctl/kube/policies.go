package kube

import (
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"

	"lameduck/deploy/ctl/mode"
)

// PolicyResources returns the resources of the kinds of mode.PolicyKinds that a cluster has, with
// their kinds.
func PolicyResources(d discovery.DiscoveryInterface) (map[schema.GroupVersionResource]string, error) {
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
	return slices.Contains(r.Verbs, "list") && slices.Contains(r.Verbs, "watch")
}
