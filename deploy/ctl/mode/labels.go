package mode

import (
	"maps"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// controllers are the labels that pods get from their controllers: StatefulSets, Deployments, DaemonSets
// and the Rollouts of Argo.
var controllers = []string{
	"statefulset.kubernetes.io/pod-name", "apps.kubernetes.io/pod-index", "controller-revision-hash",
	"pod-template-hash", "pod-template-generation", "rollouts-pod-template-hash",
}

// IsOfController reports whether pods get a label from their controller.
func IsOfController(label string) bool { return slices.Contains(controllers, label) }

// selects reports whether a selector matches. A malformed one, which the API server rejects, counts
// as a match.
func selects(selector *metav1.LabelSelector, set labels.Set) bool {
	s, err := metav1.LabelSelectorAsSelector(selector)
	return err != nil || s.Matches(set)
}

// maySelect reports whether a selector matches pods, or may do so by labels that they get when they
// run, from their controller or from the app, as a database labels its primary. One that has no label of
// the pods is that of other pods.
func maySelect(selector *metav1.LabelSelector, set labels.Set) bool {
	if selects(selector, set) {
		return true
	}
	known, common := selector.DeepCopy(), false
	isLater := func(key string) bool {
		common = common || set.Has(key) || IsOfController(key)
		return !set.Has(key)
	}
	maps.DeleteFunc(known.MatchLabels, func(key, _ string) bool { return isLater(key) })
	known.MatchExpressions = slices.DeleteFunc(known.MatchExpressions,
		func(r metav1.LabelSelectorRequirement) bool { return isLater(r.Key) })
	return common && selects(known, set)
}
