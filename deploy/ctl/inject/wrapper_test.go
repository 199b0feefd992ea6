package inject

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

func TestAWrappedAppIsLameducksChild(t *testing.T) {
	before := webAndLogs(t)
	before.Spec.Containers[0].Env = []corev1.EnvVar{{Name: "LAMEDUCK_STOP_SIGNAL",
		Value: "SIGQUIT"}}
	after, _ := injected(t, before, in(Wrapper))
	app := after.Spec.Containers[0]
	want := []string{"/lameduck/lameduck", "exec", "--", "/web"}
	if !slices.Equal(app.Command, want) {
		t.Errorf("command %q", app.Command)
	}
	if variable(app, routesVariable) != "18080=3000" || variable(app, graceVariable) != "120s" ||
		variable(app, "LAMEDUCK_STOP_SIGNAL") != "SIGQUIT" {
		t.Errorf("environment %v", app.Env)
	}
	if !slices.ContainsFunc(app.Ports, isAdmin) || len(app.VolumeMounts) != 1 ||
		len(after.Spec.Volumes) != 1 || after.Spec.InitContainers[0].Args[0] != "install" {
		t.Errorf("it becomes %v", after.Spec)
	}
}

// The container that serves is wrapped, at any position.
func TestTheContainerThatServesIsWrapped(t *testing.T) {
	before := webAndLogs(t)
	slices.Reverse(before.Spec.Containers)
	after, _ := injected(t, before, in(Wrapper))
	if sidecarOf(t, after).Name != "web" || !isHoldHook(after.Spec.Containers[0].Lifecycle) {
		t.Errorf("it becomes %v", after.Spec.Containers)
	}
}
