package kustomize_test

import (
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"

	"lameduck/deploy/deploytest"
	"lameduck/deploy/deploytest/manifests"
)

const admin = 18081 // for probes and the hook

// ownDeployment is a typical Deployment: one named port, which the Service and the probes use.
const ownDeployment = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      containers:
        - name: web
          image: web:1
          command: [/web, -v]
          ports: [{ name: http, containerPort: 3000 }, { name: debug, containerPort: 6060 }]
          readinessProbe: { httpGet: { path: /, port: http } }
        - name: logs
          image: logs:1
`

const ownService = `
apiVersion: v1
kind: Service
metadata: { name: web }
spec:
  selector: { app: web }
  ports: [{ port: 80, targetPort: http }, { name: debug, port: 6060, targetPort: debug }]
`

// ownRoutes are the routes of ownDeployment in each shape.
var ownRoutes = map[string]string{
	"native": "18080=3000", "plain": "18080=3000", "wrapper": "3000=takeover",
}

func TestOneComponentProtectsATeamsOwnDeployment(t *testing.T) {
	for _, shape := range shapes {
		t.Run(shape, func(t *testing.T) {
			fs, dir := team(t, shape, map[string]string{"deployment.yaml": ownDeployment,
				"service.yaml": ownService})
			objects := manifests.Decode(t, manifests.BuildFrom(t, fs, dir))
			expectProtected(t, objects, shape)
			pod, _ := manifests.Workload(t, objects)
			got := environment(*lameduck(t, pod, shape))["LAMEDUCK_ROUTES"]
			if want := ownRoutes[shape]; got != want {
				t.Errorf("route %s, want %s: the app listens on 3000", got, want)
			}
			if got := findPort(pod, intstr.FromString("debug")); got != 6060 {
				t.Errorf("second port %d", got)
			}
		})
	}
}

func TestEveryExampleIsProtected(t *testing.T) {
	for name, shape := range examples {
		t.Run(name, func(t *testing.T) {
			objects := manifests.Decode(t, buildExample(t, name))
			expectProtected(t, objects, shape)
			manifests.ExpectRobust(t, objects)
		})
	}
}

// A hook of the app is not silently replaced: the API server accepts only one handler.
func TestAHookOfTheAppsOwnIsKept(t *testing.T) {
	own := strings.Replace(ownDeployment, "image: logs:1", "image: logs:1\n          lifecycle: "+
		"{ preStop: { sleep: { seconds: 30 } } }", 1)
	fs, dir := team(t, "native", map[string]string{"deployment.yaml": own})
	pod, _ := manifests.Workload(t, manifests.Decode(t, manifests.BuildFrom(t, fs, dir)))
	hook := pod.Containers[1].Lifecycle.PreStop
	if hook.Sleep == nil || hook.HTTPGet == nil {
		t.Errorf("the API server accepts the hook %v, want an error", hook)
	}
}

// A workload that cannot be protected is an error. It must not look protected.
func TestWhatCannotBeProtectedIsRefused(t *testing.T) {
	for name, tc := range map[string]struct{ shape, from, to string }{
		"no port is declared": {
			"native", "ports: [{ name: http, containerPort: 3000 }, { name: debug, " +
				"containerPort: 6060 }]", "",
		},
		"a wrapper without a command": {"wrapper", "command: [/web, -v]", ""},
		"two workloads, and which one?": {
			"plain", "apiVersion", "apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: " +
				"other }\n---\napiVersion",
		},
	} {
		t.Run(name, func(t *testing.T) {
			fs, dir := team(t, tc.shape, map[string]string{"deployment.yaml": strings.Replace(ownDeployment,
				tc.from, tc.to, 1)})
			if m, err := manifests.TryBuild(fs, dir); err == nil {
				t.Errorf("no error, want one:\n%s", manifests.YAML(t, m))
			}
		})
	}
}

// TestLameduckAcceptsTheConfigurationOfEveryExample runs `lameduck drain`. An invalid configuration
// is a usage error, and with a valid one the command finds no running Lameduck.
func TestLameduckAcceptsTheConfigurationOfEveryExample(t *testing.T) {
	binary := deploytest.Build(t, "lameduck/cmd/lameduck")
	for name, shape := range examples {
		pod, _ := manifests.Workload(t, manifests.Decode(t, buildExample(t, name)))
		cmd := exec.CommandContext(t.Context(), binary, "drain")
		cmd.Env = []string{"LAMEDUCK_CONTROL=" + deploytest.FreeAddr(t)}
		for k, v := range environment(*lameduck(t, pod, shape)) {
			cmd.Env = append(cmd.Env, k+"="+v)
		}
		output, _ := cmd.CombinedOutput()
		if !strings.Contains(string(output), "is lameduck running") {
			t.Errorf("%s: lameduck drain: %s", name, output)
		}
	}
}

// expectProtected checks a pod of a shape.
func expectProtected(t *testing.T, objects []runtime.Object, shape string) {
	t.Helper()
	pod, _ := manifests.Workload(t, objects)
	sidecar := lameduck(t, pod, shape)
	got := environment(*sidecar)["LAMEDUCK_GRACE_PERIOD"]
	if got != strconv.FormatInt(*pod.TerminationGracePeriodSeconds, 10)+"s" {
		t.Errorf("grace period %d, and LAMEDUCK_GRACE_PERIOD is %s",
			*pod.TerminationGracePeriodSeconds, got)
	}
	routes := environment(*sidecar)["LAMEDUCK_ROUTES"]
	if shape == "redirect" { // clients connect to the port that is redirected to Lameduck's
		routes = pod.InitContainers[0].Args[1]
	}
	expectEveryClientAtLameduck(t, pod, objects, routes)
	switch shape {
	case "redirect":
		expectHooks(t, pod)
		expectSidecar(t, *sidecar, "native")
		manifests.ExpectRestricted(t, *sidecar)
	case "native", "plain":
		expectHooks(t, pod)
		expectSidecar(t, *sidecar, shape)
		manifests.ExpectRestricted(t, *sidecar)
	case "wrapper":
		manifests.ExpectRestricted(t, pod.InitContainers[0])
		c := sidecar.Command
		if len(c) < 4 || !slices.Equal(c[:3], []string{"/lameduck/lameduck", "exec", "--"}) {
			t.Errorf("command %q", c)
		}
	}
}

func expectEveryClientAtLameduck(t *testing.T, pod corev1.PodSpec, objects []runtime.Object, routes string) {
	t.Helper()
	listen, _, _ := strings.Cut(routes, "=")
	for _, o := range objects {
		if s, is := o.(*corev1.Service); is {
			target := s.Spec.Ports[0].TargetPort
			if target == (intstr.IntOrString{}) {
				target = intstr.FromInt32(s.Spec.Ports[0].Port)
			}
			if got := findPort(pod, target); strconv.Itoa(int(got)) != listen {
				t.Errorf("Service %s has target port %d, but Lameduck listens on %s", s.Name, got, listen)
			}
		}
	}
}

// expectHooks checks that every container except Lameduck has the /hold hook.
func expectHooks(t *testing.T, pod corev1.PodSpec) {
	t.Helper()
	for _, c := range pod.Containers {
		if c.Name == "lameduck" {
			continue
		}
		if c.Lifecycle == nil || c.Lifecycle.PreStop.HTTPGet == nil ||
			c.Lifecycle.PreStop.HTTPGet.Path != "/hold" ||
			c.Lifecycle.PreStop.HTTPGet.Port != intstr.FromInt32(admin) {
			t.Errorf("container %s has the hook %v", c.Name, c.Lifecycle)
		}
	}
}

func expectSidecar(t *testing.T, c corev1.Container, shape string) {
	t.Helper()
	native := c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways
	if native != (shape == "native") {
		t.Errorf("restart policy %v", c.RestartPolicy)
	}
	drain := []string{"/lameduck", "drain"}
	if native {
		drain = append(drain, "--native")
	}
	if c.Lifecycle.PreStop.Exec == nil || !slices.Equal(c.Lifecycle.PreStop.Exec.Command, drain) {
		t.Errorf("hook %v", c.Lifecycle.PreStop)
	}
	if p := c.ReadinessProbe; p.HTTPGet.Path != "/readyz" || p.HTTPGet.Port != intstr.FromInt32(admin) {
		t.Errorf("probe %v", p)
	}
	if c.StartupProbe != nil {
		t.Error("a startup probe delays the app by a second")
	}
}

// lameduck returns the container of Lameduck.
func lameduck(t *testing.T, pod corev1.PodSpec, shape string) *corev1.Container {
	t.Helper()
	if shape == "wrapper" {
		return &pod.Containers[0]
	}
	for _, c := range append(slices.Clone(pod.InitContainers), pod.Containers...) {
		if c.Name == "lameduck" {
			return &c
		}
	}
	t.Fatal("no container lameduck")
	return nil
}

func environment(c corev1.Container) map[string]string {
	vars := make(map[string]string)
	for _, v := range c.Env {
		vars[v.Name] = v.Value
	}
	return vars
}

// findPort returns the number of a target port in a pod, like the endpoints controller: the first
// container that declares the name counts.
func findPort(pod corev1.PodSpec, target intstr.IntOrString) int32 {
	if target.Type == intstr.Int {
		return target.IntVal
	}
	for _, c := range append(slices.Clone(pod.Containers), pod.InitContainers...) {
		for _, p := range c.Ports {
			if p.Name == target.StrVal {
				return p.ContainerPort
			}
		}
	}
	return 0
}
