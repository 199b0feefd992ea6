package inject

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// webAndLogs has a second container without a port, which the app may need until its end.
func webAndLogs(t *testing.T) *corev1.PodTemplateSpec {
	t.Helper()
	pod := template(t, web)
	pod.Spec.Containers = append(pod.Spec.Containers, corev1.Container{Name: "logs",
		Image: "logs:1"})
	pod.Spec.Containers[0].Command = []string{"/web"}
	return pod
}

func TestEveryContainerIsHeld(t *testing.T) {
	for shape, want := range map[Shape]map[string]bool{
		Native:  {"web": true, "logs": true},
		Plain:   {"web": true, "logs": true, sidecarName: false},
		Wrapper: {"web": false, "logs": true},
	} {
		after, _ := injected(t, webAndLogs(t), in(shape))
		for _, c := range after.Spec.Containers {
			if isHoldHook(c.Lifecycle) != want[c.Name] {
				t.Errorf("%s: container %s has the hook %v", shape, c.Name, c.Lifecycle)
			}
		}
	}
}

// On the node's network, the kubelet finds no address for a hook without a host.
func TestOnTheNodesNetworkTheHookHasAHost(t *testing.T) {
	for _, network := range []bool{true, false} {
		before := template(t, web)
		before.Spec.HostNetwork = network
		after, p := injected(t, before, defaults())
		got := after.Spec.Containers[0].Lifecycle.PreStop.HTTPGet.Host
		if (got == "127.0.0.1") != network || !network && got != "" {
			t.Errorf("hostNetwork %v: host %q", network, got)
		}
		if strings.Contains(notes(p), "spec.hostNetwork: the hooks have host: 127.0.0.1, which "+
			"the Pod Security levels") != network {
			t.Errorf("hostNetwork %v: notes %s", network, notes(p))
		}
		after.Spec.HostNetwork = !network
		again, _ := injected(t, after, defaults())
		if (again.Spec.Containers[0].Lifecycle.PreStop.HTTPGet.Host == "127.0.0.1") == network {
			t.Errorf("hostNetwork is now %v, but the hook has not changed", !network)
		}
	}
}

func TestAnExistingHookIsKeptAndExplained(t *testing.T) {
	for hook, want := range map[string]string{
		"exec: { command: [/bin/bye] }": "kept (exec): the app is stopped when this hook ends",
		"httpGet: { path: /bye, port: http }": "kept (httpGet): " +
			"the app is stopped when this hook ends",
		"sleep: { seconds: 15 }": "kept: the app is stopped after 15 s",
	} {
		before := edited(t, "image: web:1", "image: web:1\n      lifecycle: { preStop: { "+
			hook+" } }")
		for _, shape := range []Shape{Native, Plain} {
			after, p := injected(t, before, in(shape))
			got := after.Spec.Containers[0].Lifecycle.String()
			original := before.Spec.Containers[0].Lifecycle.String()
			if got != original {
				t.Errorf("%s: the hook is %s, and was %s", shape, got, want)
			}
			if !strings.Contains(notes(p), "spec.containers[0].lifecycle.preStop: "+want) {
				t.Errorf("%s: the notes are %s", shape, notes(p))
			}
		}
	}
}

func TestAWrappedAppWithItsOwnHookDrainsLater(t *testing.T) {
	before := edited(t, "image: web:1", "image: web:1\n      command: [/web]\n      lifecycle: { "+
		"preStop: { exec: { command: [/bin/bye] } } }")
	after, p := injected(t, before, in(Wrapper))
	got, want := after.Spec.Containers[0].Lifecycle, before.Spec.Containers[0].Lifecycle
	if got.String() != want.String() ||
		!strings.Contains(notes(p), "the drain begins when this hook ends") {
		t.Errorf("notes %s", notes(p))
	}
}

func TestAPostStartHookIsKept(t *testing.T) {
	before := edited(t, "image: web:1", "image: web:1\n      lifecycle: { postStart: { exec: { "+
		"command: [/bin/hello] } } }")
	after, _ := injected(t, before, defaults())
	if l := after.Spec.Containers[0].Lifecycle; l.PostStart == nil || !isHoldHook(l) {
		t.Errorf("got %v", l)
	}
}
