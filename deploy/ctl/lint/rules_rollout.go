package lint

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// rolloutRules are about what a rollout takes away.
var rolloutRules = []Rule{
	{
		ID: "rollout-empties-service", Severity: Error,
		needs: []string{"services", "horizontalpodautoscalers"},
		Title: "a rollout takes all replicas away at a time",
		Explanation: `With strategy Recreate, or with a maxUnavailable of all replicas, the old pods end before new ones are ready, and the Service has nobody. No sidecar
can help: those that are asked to leave have nowhere to go. maxUnavailable: 0 brings the new pod first. (Where maxSurge and maxUnavailable both come
to 0, Kubernetes takes 1 for maxUnavailable.)`,
		check: eachWorkload(rolloutEmpties),
	},
	{
		ID: "one-replica", Severity: Warning,
		needs: []string{"services", "horizontalpodautoscalers"},
		Title: "a service of one replica",
		Explanation: `When its node fails, or is drained, or its pod is evicted, there is nobody until another one has started. A HorizontalPodAutoscaler counts with its
minReplicas.`,
		check: eachReplicated(oneReplica),
	},
}

func specOf(name string) *field.Path { return field.NewPath("spec", name) }

func rolloutEmpties(w *workload, say say) {
	if !w.serves() || w.atLeast() == 0 {
		return
	}
	if taken, at, what := w.takenByRollout(); taken >= w.atLeast() {
		say(at, fmt.Sprintf("%s lets a rollout end %s before a new one is ready, so the Service has nobody meanwhile", what, w.allOfThem()),
			"set rollingUpdate: { maxUnavailable: 0, maxSurge: 1 }, or a maxUnavailable below the number of replicas")
	}
}

func (w *workload) allOfThem() string {
	switch n := w.atLeast(); {
	case w.Kind == "DaemonSet":
		return "all pods"
	case n == 1:
		return "the only replica"
	default:
		return fmt.Sprintf("all %d replicas", n)
	}
}

// takenByRollout is how many replicas a rollout may end before new ones are ready, and what says so.
func (w *workload) takenByRollout() (taken int, at *field.Path, what string) {
	n := w.atLeast()
	switch o := w.source.(type) {
	case *appsv1.Deployment:
		return takenByDeployment(o.Spec.Strategy, n)
	case *appsv1.StatefulSet:
		at = specOf("updateStrategy")
		// Of one replica, whatever the strategy: that is what one-replica tells.
		if r := o.Spec.UpdateStrategy.RollingUpdate; r != nil && r.MaxUnavailable != nil && n > 1 {
			return scaled(r.MaxUnavailable, n, true), at.Child("rollingUpdate", "maxUnavailable"), "maxUnavailable: " + r.MaxUnavailable.String()
		}
	case *appsv1.DaemonSet:
		if r := o.Spec.UpdateStrategy.RollingUpdate; r != nil && r.MaxUnavailable != nil {
			at = specOf("updateStrategy").Child("rollingUpdate", "maxUnavailable")
			return scaled(r.MaxUnavailable, n, true), at, "maxUnavailable: " + r.MaxUnavailable.String()
		}
	}
	return 0, nil, ""
}

// takenByDeployment rounds as the controller does: what may be missing down, what may be too much up.
func takenByDeployment(s appsv1.DeploymentStrategy, n int) (taken int, at *field.Path, what string) {
	at = specOf("strategy")
	if s.Type == appsv1.RecreateDeploymentStrategyType {
		return n, at.Child("type"), "Recreate"
	}
	missing, surge := intstr.FromString("25%"), intstr.FromString("25%") // what the API has for those that are left out
	if r := s.RollingUpdate; r != nil && r.MaxUnavailable != nil {
		missing = *r.MaxUnavailable
	}
	if r := s.RollingUpdate; r != nil && r.MaxSurge != nil {
		surge = *r.MaxSurge
	}
	taken = scaled(&missing, n, false)
	if taken == 0 && scaled(&surge, n, true) == 0 {
		taken = 1
	}
	return taken, at.Child("rollingUpdate", "maxUnavailable"), "maxUnavailable: " + missing.String()
}

func oneReplica(w *workload, say say) {
	if w.atLeast() != 1 {
		return
	}
	fix := "run two replicas or more"
	if w.scaler != nil {
		fix = "set minReplicas of HorizontalPodAutoscaler " + w.scaler.Name + " to 2 or more"
	}
	why := "one replica serves all clients, so nobody does when its node fails or is drained"
	if w.Kind == "StatefulSet" {
		why += ", nor in a rollout, which ends it before its successor starts"
	}
	say(specOf("replicas"), why, fix)
}
