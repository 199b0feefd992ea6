package main

import (
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
			t.Errorf("%s: there is no %s in\n%s\nor no %s in %s", name, tc.want, stdout, tc.output, stderr)
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
