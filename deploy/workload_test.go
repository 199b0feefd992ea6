package deploy_test

import (
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/kustomize/api/krusty"
)

const (
	route = 18080 // where Lameduck listens for clients
	admin = 18081 // where it answers probes and the hook
)

// ownDeployment is what teams write most: one port with a name, which the Service and the probes use.
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

func TestOneComponentProtectsATeamsOwnDeployment(t *testing.T) {
	for _, shape := range shapes {
		t.Run(shape, func(t *testing.T) {
			fs, dir := team(t, shape, map[string]string{"deployment.yaml": ownDeployment, "service.yaml": ownService})
			objects := decode(t, build(t, fs, dir))
			expectProtected(t, objects, shape)
			pod, _ := workload(t, objects)
			if got := environment(*lameduck(t, pod, shape))["LAMEDUCK_ROUTES"]; got != "18080=3000" {
				t.Errorf("the route is %s, the app listens at 3000", got)
			}
			if got := findPort(pod, intstr.FromString("debug")); got != 6060 {
				t.Errorf("the second port is at %d", got)
			}
		})
	}
}

func TestEveryExampleIsProtected(t *testing.T) {
	for name, shape := range examples {
		t.Run(name, func(t *testing.T) {
			objects := decode(t, buildExample(t, name))
			expectProtected(t, objects, shape)
			expectRobust(t, objects)
		})
	}
}

// A hook of the team's own is not replaced in silence: the API server takes one handler for a hook.
func TestAHookOfTheAppsOwnIsKept(t *testing.T) {
	own := strings.Replace(ownDeployment, "image: logs:1", "image: logs:1\n          lifecycle: { preStop: { sleep: { seconds: 30 } } }", 1)
	fs, dir := team(t, "native", map[string]string{"deployment.yaml": own})
	pod, _ := workload(t, decode(t, build(t, fs, dir)))
	hook := pod.Containers[1].Lifecycle.PreStop
	if hook.Sleep == nil || hook.HTTPGet == nil {
		t.Errorf("the hook is %v: the API server does not refuse it", hook)
	}
}

// What cannot be protected as it stands is an error, and no workload that looks protected.
func TestWhatCannotBeProtectedIsRefused(t *testing.T) {
	for name, tc := range map[string]struct{ shape, from, to string }{
		"no port is declared":           {"native", "ports: [{ name: http, containerPort: 3000 }, { name: debug, containerPort: 6060 }]", ""},
		"a wrapper without a command":   {"wrapper", "command: [/web, -v]", ""},
		"two workloads, and which one?": {"plain", "apiVersion", "apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: other }\n---\napiVersion"},
	} {
		t.Run(name, func(t *testing.T) {
			fs, dir := team(t, tc.shape, map[string]string{"deployment.yaml": strings.Replace(ownDeployment, tc.from, tc.to, 1)})
			if m, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(fs, dir); err == nil {
				t.Errorf("it is built:\n%s", yamlOf(t, m))
			}
		})
	}
}

// TestLameduckTakesTheConfigurationOfEveryExample asks the program itself: a configuration that it refuses is a usage error, and one
// that it takes lets it look for the Lameduck to drain, which is not there.
func TestLameduckTakesTheConfigurationOfEveryExample(t *testing.T) {
	binary := lameduckBinary(t)
	for name, shape := range examples {
		pod, _ := workload(t, decode(t, buildExample(t, name)))
		cmd := exec.CommandContext(t.Context(), binary, "drain")
		cmd.Env = []string{"LAMEDUCK_CONTROL=" + freeAddr(t)}
		for k, v := range environment(*lameduck(t, pod, shape)) {
			cmd.Env = append(cmd.Env, k+"="+v)
		}
		if said, _ := cmd.CombinedOutput(); !strings.Contains(string(said), "is lameduck running") {
			t.Errorf("%s: lameduck says %s", name, said)
		}
	}
}

// expectProtected looks for what the README asks of a pod in the shape.
func expectProtected(t *testing.T, objects []runtime.Object, shape string) {
	t.Helper()
	pod, _ := workload(t, objects)
	duck := lameduck(t, pod, shape)
	if got := environment(*duck)["LAMEDUCK_GRACE_PERIOD"]; got != strconv.FormatInt(*pod.TerminationGracePeriodSeconds, 10)+"s" {
		t.Errorf("the grace period is %d, Lameduck takes it for %s", *pod.TerminationGracePeriodSeconds, got)
	}
	expectEveryClientAtLameduck(t, pod, objects)
	switch shape {
	case "native", "plain":
		expectHooks(t, pod)
		expectSidecar(t, *duck, shape)
		expectRestricted(t, *duck)
	case "wrapper":
		expectRestricted(t, pod.InitContainers[0])
		if c := duck.Command; len(c) < 4 || !slices.Equal(c[:3], []string{"/lameduck/lameduck", "exec", "--"}) {
			t.Errorf("the command is %q", c)
		}
	}
}

func expectEveryClientAtLameduck(t *testing.T, pod corev1.PodSpec, objects []runtime.Object) {
	t.Helper()
	for _, o := range objects {
		if s, is := o.(*corev1.Service); is {
			if got := findPort(pod, s.Spec.Ports[0].TargetPort); got != route {
				t.Errorf("Service %s goes to port %d, Lameduck listens at %d", s.Name, got, route)
			}
		}
	}
}

// expectHooks looks that every container but Lameduck is held.
func expectHooks(t *testing.T, pod corev1.PodSpec) {
	t.Helper()
	for _, c := range pod.Containers {
		if c.Name == "lameduck" {
			continue
		}
		if c.Lifecycle == nil || c.Lifecycle.PreStop.HTTPGet == nil ||
			c.Lifecycle.PreStop.HTTPGet.Path != "/hold" || c.Lifecycle.PreStop.HTTPGet.Port != intstr.FromInt32(admin) {
			t.Errorf("container %s is not held: %v", c.Name, c.Lifecycle)
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
	for _, p := range []*corev1.Probe{c.StartupProbe, c.ReadinessProbe} {
		if p.HTTPGet.Path != "/readyz" || p.HTTPGet.Port != intstr.FromInt32(admin) {
			t.Errorf("probe %v", p)
		}
	}
}

// expectRestricted looks for what the Pod Security level `restricted` asks of a container.
func expectRestricted(t *testing.T, c corev1.Container) {
	t.Helper()
	s := c.SecurityContext
	if *s.AllowPrivilegeEscalation || !*s.RunAsNonRoot || !*s.ReadOnlyRootFilesystem || *s.RunAsUser == 0 ||
		!slices.Equal(s.Capabilities.Drop, []corev1.Capability{"ALL"}) || s.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault {
		t.Errorf("container %s: security context %v", c.Name, s)
	}
	if c.Resources.Requests.Memory().IsZero() || c.Resources.Limits.Memory().IsZero() {
		t.Errorf("container %s: resources %v", c.Name, c.Resources)
	}
}

// expectRobust looks for what keeps a service up through the loss of a node, a node's drain and a rollout.
func expectRobust(t *testing.T, objects []runtime.Object) {
	t.Helper()
	pod, strategy := workload(t, objects)
	if len(pod.TopologySpreadConstraints) == 0 {
		t.Error("the replicas are not spread over nodes")
	}
	if strategy != nil && strategy.RollingUpdate.MaxUnavailable.IntValue() != 0 {
		t.Errorf("a rollout takes %v replicas away", strategy.RollingUpdate.MaxUnavailable)
	}
	budget := slices.IndexFunc(objects, func(o runtime.Object) bool { _, is := o.(*policyv1.PodDisruptionBudget); return is })
	if budget < 0 {
		t.Error("there is no PodDisruptionBudget")
	}
}

// workload returns the pod's specification, and a Deployment's strategy.
func workload(t *testing.T, objects []runtime.Object) (corev1.PodSpec, *appsv1.DeploymentStrategy) {
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

// lameduck returns the container that Lameduck runs in.
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
	t.Fatal("there is no container lameduck")
	return nil
}

func environment(c corev1.Container) map[string]string {
	vars := make(map[string]string)
	for _, v := range c.Env {
		vars[v.Name] = v.Value
	}
	return vars
}

// findPort is what a target port means in a pod: the endpoints controller takes the first container that declares the name.
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
