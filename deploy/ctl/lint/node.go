package lint

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// nodesForPods returns how many nodes the pods of a workload may run on, or -1 if the nodes are not
// known. It does not evaluate node affinity.
func (w *workload) nodesForPods() int {
	if len(w.in.nodes) == 0 {
		return -1
	}
	count := 0
	for _, n := range w.in.nodes {
		if !n.Spec.Unschedulable && w.selectsNode(n) && w.toleratesTaints(n) {
			count++
		}
	}
	return max(count, 1) // they run somewhere
}

func (w *workload) selectsNode(n *corev1.Node) bool {
	for key, value := range w.template.Spec.NodeSelector {
		if n.Labels[key] != value {
			return false
		}
	}
	return true
}

// toleratesTaints reports whether the scheduler may place the pods on a node.
func (w *workload) toleratesTaints(n *corev1.Node) bool {
	return !slices.ContainsFunc(n.Spec.Taints, func(taint corev1.Taint) bool {
		return taint.Effect != corev1.TaintEffectPreferNoSchedule &&
			!slices.ContainsFunc(w.template.Spec.Tolerations, func(t corev1.Toleration) bool {
				return tolerates(t, taint)
			})
	})
}

// tolerates implements the matching of the scheduler, without its alpha operators.
func tolerates(t corev1.Toleration, taint corev1.Taint) bool {
	if t.Effect != "" && t.Effect != taint.Effect || t.Key != "" && t.Key != taint.Key {
		return false
	}
	if t.Operator == corev1.TolerationOpExists {
		return true
	}
	return t.Key != "" && t.Value == taint.Value
}
