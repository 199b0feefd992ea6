package lint

import (
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// A budget is a PodDisruptionBudget.
type budget struct {
	object
	*policyv1.PodDisruptionBudget
	selector  labels.Selector
	workloads []*workload // that it selects
}

func newBudget(b *policyv1.PodDisruptionBudget, locate Locator) *budget {
	return &budget{
		object:              newObject("PodDisruptionBudget", b.ObjectMeta, locate),
		PodDisruptionBudget: b,
		selector:            selectorOf(b.Spec.Selector),
	}
}

func (b *budget) selects(w *workload) bool {
	return b.object.namespace() == w.namespace() && !w.isJob() && w.isSelectedBy(b.selector)
}

// replicas returns the replicas of all selected workloads together.
func (b *budget) replicas() int {
	n := 0
	for _, w := range b.workloads {
		n += w.minReplicas()
	}
	return n
}

// allows returns how many of n healthy pods may be evicted at a time, and the field that limits it.
func (b *budget) allows(n int) (int, *field.Path) {
	spec := field.NewPath("spec")
	switch {
	case b.Spec.MaxUnavailable != nil:
		return scaled(b.Spec.MaxUnavailable, n, true), spec.Child("maxUnavailable")
	case b.Spec.MinAvailable != nil:
		return n - scaled(b.Spec.MinAvailable, n, true), spec.Child("minAvailable")
	}
	return n - 1, spec // the API server's default is minAvailable: 1
}

// scaled returns a number or a percentage of n pods.
func scaled(v *intstr.IntOrString, n int, up bool) int {
	s, err := intstr.GetScaledValueFromIntOrPercent(v, n, up)
	if err != nil {
		return 0 // the API server rejects it
	}
	return s
}
