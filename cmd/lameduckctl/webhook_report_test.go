package main

import (
	"maps"
	"strings"
	"testing"
)

// reported runs the report of a webhook for a cluster with the Deployment web.
func reported(t *testing.T, template string, more ...string) (stdout, stderr string, code int) {
	t.Helper()
	const namespaced = "/namespaces/shop/"
	answers := shop()
	for _, r := range []struct{ api, resource, kind string }{
		{"apps/v1", "deployments", "Deployment"}, {"apps/v1", "statefulsets", "StatefulSet"},
		{"apps/v1", "daemonsets", "DaemonSet"}, {"apps/v1", "replicasets", "ReplicaSet"},
		{"batch/v1", "jobs", "Job"}, {"batch/v1", "cronjobs", "CronJob"},
	} {
		answers["/apis/"+r.api+namespaced+r.resource] = list(r.api, r.kind)
	}
	maps.Copy(answers, map[string]string{
		"/apis/apps/v1/namespaces/shop/deployments": list("apps/v1", "Deployment", `{"metadata":{"name":"web",
			"namespace":"shop"},"spec":{"template":`+template+`}}`),
		"/api/v1/namespaces/shop/pods": list("v1", "Pod"),
	})
	args := []string{"webhook", "--dry-run=report", "--kubeconfig", clusterOf(t, answers), "--namespace=lameduck"}
	return ctl(t, "", append(args, more...)...)
}

const webTemplate = `{"metadata":{"labels":{"app":"web"}},"spec":{"containers":[{"name":"web","image":"web",
	"ports":[{"name":"http","containerPort":3000}]}]}}`

func TestTheWebhookReportsWhatItWouldDo(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		flags, want string
	}{
		"with the cluster": {"--watch shop", "namespace shop: nothing is injected now: the namespace has no label " +
			"lameduck.dev/inject=enabled; otherwise:\nDeployment web: mode move: every Service"},
		"without it":  {"shop", "Deployment web: mode observe: the webhook has no --watch"},
		"paused":      {"--paused shop", "the webhook is paused; otherwise:\n"},
		"its changes": {"--watch shop", "  changes: container lameduck is added\n"},
		"as plain container, with the delay of a load balancer": {"--shape=plain --lb-delay=5m shop",
			"changes: terminationGracePeriodSeconds becomes 3"},
	} {
		stdout, stderr, code := reported(t, webTemplate, strings.Fields(tc.flags)...)
		if code != exitOK || !strings.Contains(stdout, tc.want) {
			t.Errorf("%s: exit code %d: %s%s", name, code, stdout, stderr)
		}
	}
	malformed := strings.Replace(webTemplate, `{"labels"`, `{"annotations":{"lameduck.dev/lb":"none"},"labels"`, 1)
	stdout, _, code := reported(t, malformed, "shop")
	if code != exitProblems || !strings.Contains(stdout, "Deployment web: not injected: metadata.annotations[lameduck.dev/lb]") {
		t.Errorf("a workload that cannot be protected: exit code %d: %s", code, stdout)
	}
}

func TestTheWebhookRefusesOtherDryRuns(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"--dry-run=true shop": `--dry-run: must be report, got "true"`,
		"--dry-run= shop":     `--dry-run: must be report, got ""`,
		"--dry-run=report":    "needs the names of namespaces",
		"shop":                "shop: namespaces are arguments only with --dry-run=report",
	} {
		_, stderr, code := ctl(t, "", append([]string{"webhook"}, strings.Fields(args)...)...)
		if code != exitError || !strings.Contains(stderr, want) {
			t.Errorf("%s: exit code %d: %s", args, code, stderr)
		}
	}
}
