package inject

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"lameduck/deploy/ctl/mode"
)

// wrapping returns the default settings with the shape wrapper.
func wrapping() Settings {
	s := Defaults()
	s.Shape = Wrapper
	return s
}

// numbered is a pod that everything reaches by number.
const numbered = `
metadata: { labels: { app: web } }
spec:
  containers:
    - name: web
      image: web:1
      command: [/web]
      ports:
        - { name: http, containerPort: 3000, hostPort: 80 }
        - { name: grpc, containerPort: 3001 }
        - { name: alias, containerPort: 3000 }
        - { name: mysql, containerPort: 3306 }
      readinessProbe: { tcpSocket: { port: http } }
      livenessProbe: { grpc: { port: 3001 } }
      startupProbe: { httpGet: { path: /, port: 3000 } }
`

// Ports, names, probes and Services stay as they are.
func TestTheWrapperTakesOverEveryPort(t *testing.T) {
	before := template(t, numbered)
	after, p := injected(t, before, wrapping())
	was, app := before.Spec.Containers[0], after.Spec.Containers[0]
	if got := variable(app, routesVariable); got != "3000=takeover,3001=takeover,3306=takeover;proto=tcp" {
		t.Errorf("routes %s", got)
	}
	if got := slices.DeleteFunc(slices.Clone(app.Ports), isAdmin); !slices.Equal(got, was.Ports) {
		t.Errorf("ports %v", got)
	}
	for _, name := range probeNames {
		if got, want := asJSON(t, probe(&app, name)), asJSON(t, probe(&was, name)); got != want {
			t.Errorf("the %s is %s", name, got)
		}
	}
	if p.Choice.Mode != mode.Takeover || len(p.Notes) > 0 {
		t.Errorf("mode %s, notes %s", p.Choice, notes(p))
	}
	again, err := Inject(Workload{Kind: "Deployment", Template: after}, wrapping())
	if err != nil || len(again.Patch) > 0 {
		t.Errorf("the second time it plans %v, error %v", again.Patch, err)
	}
	back, err := Uninject(Workload{Kind: "Deployment", Template: after})
	if err != nil || len(back.Notes) > 0 {
		t.Errorf("uninject has the notes %s, error %v", notes(back), err)
	}
	expectEqual(t, "uninject", uninjected(t, after), before)
}

func TestAnAnnotationKeepsTheWrapperOfTwoPorts(t *testing.T) {
	before := edited(t, "image: web:1", "image: web:1\n      command: [/web]")
	before.Annotations = map[string]string{mode.Annotation: "move"}
	after, _ := injected(t, before, wrapping())
	if got := variable(after.Spec.Containers[0], routesVariable); got != "18080=3000" {
		t.Errorf("routes %s", got)
	}
	taken := template(t, strings.Replace(numbered, "metadata: {", "metadata: { annotations: { a: b },", 1))
	once, _ := injected(t, taken, wrapping())
	once.Annotations[mode.Annotation] = "move"
	moved, _ := injected(t, once, wrapping())
	delete(moved.Annotations, mode.Annotation)
	twice, _ := injected(t, moved, wrapping())
	delete(once.Annotations, mode.Annotation)
	expectEqual(t, "there and back", twice, once)
}

// The obstacles to takeover are named with their remedy.
func TestWhatTakeoverMayNotGetIsNoted(t *testing.T) {
	for name, tc := range map[string]struct{ edit, want string }{
		"nothing": {"spec:\n", ""},
		"a runtime class": {"spec:\n  runtimeClassName: gvisor\n",
			"spec.runtimeClassName: takeover needs a kernel with seccomp user notification"},
		"a profile of the pod": {"spec:\n  securityContext: { seccompProfile: { type: Localhost, localhostProfile: a } }\n",
			"spec.securityContext.seccompProfile: the seccomp profile must allow"},
		"the default profile": {"spec:\n  securityContext: { seccompProfile: { type: RuntimeDefault } }\n", ""},
	} {
		before := template(t, strings.Replace(numbered, "spec:\n", tc.edit, 1))
		_, p := injected(t, before, wrapping())
		expectNote(t, name, p, tc.want)
	}
	no, yes := false, true
	for name, tc := range map[string]struct {
		context corev1.SecurityContext
		want    string
	}{
		"a profile of the container": {
			corev1.SecurityContext{SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeLocalhost}},
			"spec.containers[0].securityContext.seccompProfile: the seccomp profile must allow",
		},
		"privilege escalation": {
			corev1.SecurityContext{AllowPrivilegeEscalation: &yes},
			"spec.containers[0].securityContext.allowPrivilegeEscalation: takeover disables privilege escalation",
		},
		"no privilege escalation": {corev1.SecurityContext{AllowPrivilegeEscalation: &no}, ""},
	} {
		before := template(t, numbered)
		before.Spec.Containers[0].SecurityContext = &tc.context
		_, p := injected(t, before, wrapping())
		expectNote(t, name, p, tc.want)
	}
}

// expectNote checks that a plan has exactly one note, which begins with a text, or none.
func expectNote(t *testing.T, name string, p Plan, want string) {
	t.Helper()
	got := notes(p)
	if !strings.HasPrefix(got, want) || (want == "") != (got == "") || len(p.Notes) > 1 ||
		want != "" && !strings.HasSuffix(got, "the annotation lameduck.dev/mode: move does without it") {
		t.Errorf("%s: the notes are %q, want %q", name, got, want)
	}
}
