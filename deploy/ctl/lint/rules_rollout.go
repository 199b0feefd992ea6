package lint

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// rolloutRules check how many replicas a rollout removes at once.
var rolloutRules = []Rule{
	{
		ID: "rollout-empties-service", Severity: Error,
		needs: []string{"services", "horizontalpodautoscalers", "persistentvolumeclaims"},
		Title: "a rollout removes all replicas at once",
		Explanation: `With strategy Recreate, or with a maxUnavailable of all replicas, the old pods stop
before new ones are ready, and the Service has no endpoints. No sidecar can help, as clients have no other
pod to connect to. With maxUnavailable: 0 the new pod starts first. (If maxSurge and maxUnavailable both
round to 0, Kubernetes uses 1 for maxUnavailable.) A volume that only one pod can mount does not allow that:
the new pod waits for the volume of the old one, and the rollout hangs. Such a service needs other storage,
or replicas with a volume each. A PersistentVolumeClaim that lint does not know counts as such a volume.`,
		check: eachWorkload(rolloutEmpties),
	},
	{
		ID: "one-replica", Severity: Warning,
		needs: []string{"services", "horizontalpodautoscalers", "persistentvolumeclaims"},
		Title: "a service with one replica",
		Explanation: `When its node fails or is drained, or its pod is evicted, the service is
down until another pod has started. With a HorizontalPodAutoscaler, its minReplicas counts. More
replicas do not help a Deployment with a volume that only one pod can mount: they wait for it.`,
		check: eachReplicated(oneReplica),
	},
}

func specOf(name string) *field.Path { return field.NewPath("spec", name) }

func rolloutEmpties(w *workload, report objectReporter) {
	if !w.serves() || w.minReplicas() == 0 {
		return
	}
	removed, at, setting := w.removedByRollout()
	if removed < w.minReplicas() {
		return
	}
	fix := "set rollingUpdate: { maxUnavailable: 0, maxSurge: 1 }, or a maxUnavailable below the number of " +
		"replicas"
	if volume := w.volumeOfOnePod(); volume != "" {
		fix = sharedStorage(volume)
	}
	report(at,
		fmt.Sprintf("with %s a rollout stops %s before a new one is ready, so the Service is down meanwhile",
			setting, w.allReplicas()), fix)
}

func (w *workload) allReplicas() string {
	switch n := w.minReplicas(); {
	case w.Kind == "DaemonSet":
		return "all pods"
	case n == 1:
		return "the only replica"
	default:
		return fmt.Sprintf("all %d replicas", n)
	}
}

// removedByRollout returns how many replicas a rollout may stop before new ones are ready, and the
// setting for it.
func (w *workload) removedByRollout() (removed int, at *field.Path, setting string) {
	n := w.minReplicas()
	switch o := w.source.(type) {
	case *appsv1.Deployment:
		return removedByDeployment(o.Spec.Strategy, n)
	case *appsv1.StatefulSet:
		at = specOf("updateStrategy")
		// Rule one-replica reports a single replica.
		if r := o.Spec.UpdateStrategy.RollingUpdate; r != nil && r.MaxUnavailable != nil && n > 1 {
			at = at.Child("rollingUpdate", "maxUnavailable")
			return scaled(r.MaxUnavailable, n, true), at, "maxUnavailable: " + r.MaxUnavailable.String()
		}
	case *appsv1.DaemonSet:
		if r := o.Spec.UpdateStrategy.RollingUpdate; r != nil && r.MaxUnavailable != nil {
			at = specOf("updateStrategy").Child("rollingUpdate", "maxUnavailable")
			return scaled(r.MaxUnavailable, n, true), at, "maxUnavailable: " + r.MaxUnavailable.String()
		}
	}
	return 0, nil, ""
}

// removedByDeployment rounds like the controller: maxUnavailable down and maxSurge up.
func removedByDeployment(s appsv1.DeploymentStrategy, n int) (removed int, at *field.Path, setting string) {
	at = specOf("strategy")
	if s.Type == appsv1.RecreateDeploymentStrategyType {
		return n, at.Child("type"), "Recreate"
	}
	unavailable, surge := intstr.FromString("25%"), intstr.FromString("25%") // defaults of the API
	if r := s.RollingUpdate; r != nil && r.MaxUnavailable != nil {
		unavailable = *r.MaxUnavailable
	}
	if r := s.RollingUpdate; r != nil && r.MaxSurge != nil {
		surge = *r.MaxSurge
	}
	removed = scaled(&unavailable, n, false)
	if removed == 0 && scaled(&surge, n, true) == 0 {
		removed = 1
	}
	return removed, at.Child("rollingUpdate", "maxUnavailable"), "maxUnavailable: " + unavailable.String()
}

func oneReplica(w *workload, report objectReporter) {
	if w.minReplicas() != 1 {
		return
	}
	fix := "run two replicas or more"
	if w.scaler != nil {
		fix = fmt.Sprintf("set %s of %s %s to 2 or more", w.scaler.setting, w.scaler.Kind, w.scaler.Name)
	}
	why := "one replica serves all clients, so the service is down when its node fails or is drained"
	if w.Kind == "StatefulSet" || w.isRecreated() {
		why += ", and during a rollout, which stops it before its successor starts"
	}
	if volume := w.volumeOfOnePod(); volume != "" {
		fix = sharedStorage(volume)
	}
	report(specOf("replicas"), why, fix)
}
