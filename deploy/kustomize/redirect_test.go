package kustomize_test

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"lameduck/deploy/deploytest/manifests"
)

func TestTheRedirectMovesNothing(t *testing.T) {
	fs, dir := team(t, "redirect", map[string]string{"deployment.yaml": ownDeployment, "service.yaml": ownService})
	pod, _ := manifests.Workload(t, manifests.Decode(t, manifests.BuildFrom(t, fs, dir)))
	if ports := pod.Containers[0].Ports; len(ports) != 2 || ports[0].ContainerPort != 3000 {
		t.Errorf("ports of the app %+v", ports)
	}
	if len(pod.InitContainers) != 2 {
		t.Fatalf("init containers %+v", pod.InitContainers)
	}
	rules, sidecar := pod.InitContainers[0], pod.InitContainers[1]
	if want := []string{"redirect", "3000=18080"}; !slices.Equal(rules.Args, want) {
		t.Errorf("arguments of the first init container %v, want %v", rules.Args, want)
	}
	s := rules.SecurityContext
	if *s.RunAsUser != 0 || *s.AllowPrivilegeEscalation || !slices.Equal(s.Capabilities.Add, []corev1.Capability{"NET_ADMIN"}) ||
		!slices.Equal(s.Capabilities.Drop, []corev1.Capability{"ALL"}) {
		t.Errorf("security context of the init container %+v", s)
	}
	if !slices.Contains(sidecar.Env, corev1.EnvVar{Name: "LAMEDUCK_ROUTES", Value: "18080=3000"}) ||
		sidecar.SecurityContext.Capabilities.Add != nil {
		t.Errorf("sidecar %+v", sidecar)
	}
	for _, c := range pod.Containers {
		if c.Lifecycle == nil || c.Lifecycle.PreStop.HTTPGet.Path != "/hold" {
			t.Errorf("container %s is not held", c.Name)
		}
	}
}
