package main

import (
	"fmt"
	"strings"
	"testing"
)

// second returns the Deployment of the tests with another name, and its port with another.
func second(port string) string {
	return "---\n" + strings.NewReplacer("name: web }\nspec", "name: old }\nspec",
		"{ name: http, containerPort: 3000 }", port).Replace(workload)
}

func TestServicesUseNamesWhereEveryWorkloadHasThem(t *testing.T) {
	for name, tc := range map[string]struct {
		manifests string
		want      string // of the Service
		output    string
	}{
		"one workload": {workload, "targetPort: http}", "spec.ports[0]: targetPort http instead of 3000"},
		"two":          {workload + second("{ name: http, containerPort: 3000 }"), "targetPort: http}", "mode move"},
		"two names": {workload + second("{ name: web, containerPort: 3000 }"), "targetPort: 3000}",
			"port 3000 keeps its number: its name in Deployment old is web, and elsewhere http"},
		"the name of another number": {workload + second("{ name: http, containerPort: 3001 }"),
			"targetPort: 3000}", "port 3000 keeps its number: it has no name in Deployment old"},
		"another protocol": {strings.Replace(workload, "3000 }", "3000, protocol: UDP }", 1), "targetPort: 3000}",
			"it has no name in Deployment web"},
		"no workload": {other, "targetPort: 3000}", ""},
	} {
		stdout, stderr, _ := ctl(t, tc.manifests+"---\n"+numbered, "inject", "-f", "-", "--services")
		if !strings.Contains(stdout, tc.want) || !strings.Contains(stderr, tc.output) {
			t.Errorf("%s: no %s in\n%s\nor no %s in %s", name, tc.want, stdout, tc.output, stderr)
		}
	}
}

func TestATargetPortIsAdded(t *testing.T) {
	without := strings.Replace(numbered, "port: 80, targetPort: 3000", "port: 3000", 1)
	stdout, _, code := ctl(t, workload+"---\n"+without, "inject", "-f", "-", "--services")
	if code != exitOK || !strings.Contains(stdout, "{port: 3000, targetPort: http}") {
		t.Errorf("exit code %d, got\n%s", code, stdout)
	}
}

func TestAHeadlessServiceKeepsItsNumbers(t *testing.T) {
	headless := strings.Replace(numbered, "spec: {", "spec: {clusterIP: None, ", 1)
	stdout, _, _ := ctl(t, workload+"---\n"+headless, "inject", "-f", "-", "--services")
	if !strings.Contains(stdout, "targetPort: 3000") {
		t.Errorf("got\n%s", stdout)
	}
}

// podNamed returns a pod with a port.
func podNamed(name, phase, port string) string {
	return fmt.Sprintf(`{"metadata":{"name":%q,"namespace":"shop"},"status":{"phase":%q},
		"spec":{"containers":[{"name":"app","ports":[%s]}]}}`, name, phase, port)
}

// Until the rollout is over, the Service routes to the old pods too.
func TestServicesUseNamesWhereThePodsThatRunHaveThem(t *testing.T) {
	const (
		pods     = "/api/v1/namespaces/shop/pods?labelSelector=app%3Dweb"
		named    = `{"name":"http","containerPort":3000}`
		old      = `{"name":"web","containerPort":3000}`
		unnamed  = `{"containerPort":3000}`
		moved    = `{"name":"http","containerPort":18080}`
		running  = "Running"
		toName   = "targetPort: http}"
		toNumber = "targetPort: 3000}"
	)
	for name, tc := range map[string]struct {
		pods   []string // nil if they may not be listed
		want   string   // of the Service
		output string
	}{
		"no pod":             {[]string{}, toName, "targetPort http instead of 3000"},
		"pods with the name": {[]string{podNamed("a", running, named), podNamed("b", running, named)}, toName, "http instead"},
		"one without a name": {[]string{podNamed("a", running, named), podNamed("b", running, unnamed)}, toNumber,
			"port 3000 keeps its number: it has no name in Pod b, which runs now"},
		"one that has another name": {[]string{podNamed("a", running, old)}, toNumber,
			"its name in Pod a, which runs now is web, and elsewhere http"},
		"one that has the name besides": {[]string{podNamed("a", running, old+","+named)}, toName, "http instead"},
		"one in which the name is another port": {[]string{podNamed("a", running, old+","+moved)}, toNumber,
			"http is port 18080 in Pod a, which runs now"},
		"one that is about to start": {[]string{podNamed("a", "Pending", unnamed)}, toNumber, "it has no name in Pod a"},
		"pods that have ended": {
			[]string{podNamed("a", "Succeeded", unnamed), podNamed("b", "Failed", unnamed)}, toName, "http instead"},
		"pods that may not be listed": {nil, toNumber,
			"port 3000 keeps its number: the pods that run now are unknown, as you may not list them"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answers := shop()
			if tc.pods != nil {
				answers[pods] = list("v1", "Pod", tc.pods...)
			}
			stdout, stderr, code := ctl(t, workload+"---\n"+numbered, "inject", "-f", "-", "--services", "--image",
				"r/lameduck:1", "--kubeconfig", clusterOf(t, answers), "--context", "prod")
			if code != exitOK || !strings.Contains(stdout, tc.want) || !strings.Contains(stderr, tc.output) {
				t.Errorf("exit code %d, no %s in\n%s\nor no %s in %s", code, tc.want, stdout, tc.output, stderr)
			}
		})
	}
}

// A name means the first port with it, in any container.
func TestANameThatMeansAnotherPortIsNotUsed(t *testing.T) {
	beside := strings.Replace(workload, "      containers:\n", "      containers:\n"+
		"        - { name: first, image: i, ports: [{ name: http, containerPort: 9000 }] }\n", 1)
	stdout, stderr, _ := ctl(t, beside+"---\n"+numbered, "inject", "-f", "-", "--services")
	if !strings.Contains(stdout, "targetPort: 3000}") || !strings.Contains(stderr, "http is port 9000 in Deployment web") {
		t.Errorf("got\n%s\n%s", stdout, stderr)
	}
}

func TestNamesThatCannotBeComparedAreAnError(t *testing.T) {
	answers := shop()
	answers["/api/v1/namespaces/shop/pods"] = `{"kind":"Status","apiVersion":"v1"`
	_, stderr, code := ctl(t, workload+"---\n"+numbered, "inject", "-f", "-", "--services", "--image", "r/lameduck:1",
		"--kubeconfig", clusterOf(t, answers), "--context", "prod")
	if code == exitOK || !strings.Contains(stderr, "list the pods of Service s") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}
