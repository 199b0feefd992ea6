package lint

import (
	autoscalingv2 "k8s.io/api/autoscaling/v2"
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
	return &budget{object: newObject("PodDisruptionBudget", b.ObjectMeta, locate), PodDisruptionBudget: b, selector: selectorOf(b.Spec.Selector)}
}

func (b *budget) selects(w *workload) bool {
	return b.object.namespace() == w.namespace() && !w.isJob() && w.isSelectedBy(b.selector)
}

// replicas are those of all workloads that it selects: it counts them together.
func (b *budget) replicas() int {
	n := 0
	for _, w := range b.workloads {
		n += w.atLeast()
	}
	return n
}

// allows is how many of n healthy pods may be evicted at a time, and the field that says so.
func (b *budget) allows(n int) (int, *field.Path) {
	spec := field.NewPath("spec")
	switch {
	case b.Spec.MaxUnavailable != nil:
		return scaled(b.Spec.MaxUnavailable, n, true), spec.Child("maxUnavailable")
	case b.Spec.MinAvailable != nil:
		return n - scaled(b.Spec.MinAvailable, n, true), spec.Child("minAvailable")
	}
	return n - 1, spec // minAvailable: 1, as the API server has it
}

// scaled is a number or a share of n pods.
func scaled(v *intstr.IntOrString, n int, up bool) int {
	s, err := intstr.GetScaledValueFromIntOrPercent(v, n, up)
	if err != nil {
		return 0 // the API server refuses it
	}
	return s
}

// A scaler is a HorizontalPodAutoscaler.
type scaler struct {
	object
	kind, name string // of what it scales
	least      int
}

func newScaler(s *autoscalingv2.HorizontalPodAutoscaler) *scaler {
	least := 1
	if s.Spec.MinReplicas != nil {
		least = int(*s.Spec.MinReplicas)
	}
	return &scaler{newObject("HorizontalPodAutoscaler", s.ObjectMeta, nil), s.Spec.ScaleTargetRef.Kind, s.Spec.ScaleTargetRef.Name, least}
}

func (s *scaler) scales(w *workload) bool {
	return s.namespace() == w.namespace() && s.kind == w.Kind && s.name == w.Name
}
