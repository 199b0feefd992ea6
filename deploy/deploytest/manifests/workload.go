package manifests

import (
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// Workload returns the pod specification of the only workload, and the strategy of a Deployment.
func Workload(t testing.TB, objects []runtime.Object) (corev1.PodSpec, *appsv1.DeploymentStrategy) {
	t.Helper()
	for _, o := range objects {
		switch o := o.(type) {
		case *appsv1.Deployment:
			return o.Spec.Template.Spec, &o.Spec.Strategy
		case *appsv1.StatefulSet:
			return o.Spec.Template.Spec, nil
		}
	}
	t.Fatal("there is no workload")
	return corev1.PodSpec{}, nil
}

// ExpectRestricted checks that a container complies with the Pod Security level restricted, and has
// resources.
func ExpectRestricted(t testing.TB, c corev1.Container) {
	t.Helper()
	s := c.SecurityContext
	if *s.AllowPrivilegeEscalation || !*s.RunAsNonRoot || !*s.ReadOnlyRootFilesystem || *s.RunAsUser == 0 ||
		!slices.Equal(s.Capabilities.Drop, []corev1.Capability{"ALL"}) ||
		s.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault {
		t.Errorf("container %s: security context %v", c.Name, s)
	}
	if c.Resources.Requests.Memory().IsZero() || c.Resources.Limits.Memory().IsZero() {
		t.Errorf("container %s: resources %v", c.Name, c.Resources)
	}
}

// ExpectRobust checks what keeps a service up through node failures, node drains and rollouts.
func ExpectRobust(t testing.TB, objects []runtime.Object) {
	t.Helper()
	pod, strategy := Workload(t, objects)
	if len(pod.TopologySpreadConstraints) == 0 {
		t.Error("the replicas are not spread over nodes")
	}
	if strategy != nil && strategy.RollingUpdate.MaxUnavailable.IntValue() != 0 {
		t.Errorf("a rollout removes %v replicas", strategy.RollingUpdate.MaxUnavailable)
	}
	isBudget := func(o runtime.Object) bool { _, is := o.(*policyv1.PodDisruptionBudget); return is }
	if !slices.ContainsFunc(objects, isBudget) {
		t.Error("there is no PodDisruptionBudget")
	}
}
