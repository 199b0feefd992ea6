package manifests

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"sigs.k8s.io/yaml"

	"lameduck/deploy/deploytest"
)

// Rules returns the PrometheusRule of a kustomization.
func Rules(t testing.TB, dir string) monitoringv1.PrometheusRuleSpec {
	t.Helper()
	for _, o := range Decode(t, Build(t, dir)) {
		if r, is := o.(*monitoringv1.PrometheusRule); is {
			return r.Spec
		}
	}
	t.Fatalf("%s has no rules", dir)
	return monitoringv1.PrometheusRuleSpec{}
}

// WriteRules writes the rules of a kustomization as a rule file of Prometheus, rules.yaml.
func WriteRules(t testing.TB, dir, to string) {
	t.Helper()
	text, err := yaml.Marshal(Rules(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	deploytest.WriteFile(t, filepath.Join(to, "rules.yaml"), string(text))
}

// ExpectRulesFire runs promtool on the rules of a kustomization and its rules_test.yaml, in which
// every alert must fire once.
func ExpectRulesFire(t testing.TB, dir string) {
	t.Helper()
	promtool := deploytest.Program(t, "promtool", "apt-get install prometheus")
	cases := deploytest.ReadFile(t, filepath.Join(dir, "rules_test.yaml"))
	work := t.TempDir()
	WriteRules(t, dir, work)
	deploytest.WriteFile(t, filepath.Join(work, "rules_test.yaml"), cases)
	for _, args := range [][]string{
		{"check", "rules", "--lint-fatal", "rules.yaml"}, {"test", "rules", "rules_test.yaml"},
	} {
		cmd := exec.CommandContext(t.Context(), promtool, args...)
		cmd.Dir = work
		if output, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, output)
		}
	}
	for _, g := range Rules(t, dir).Groups {
		for _, r := range g.Rules {
			fires := regexp.MustCompile(`alertname: ` + r.Alert + `\n\s+exp_alerts:`)
			if r.Alert != "" && !fires.MatchString(cases) {
				t.Errorf("%s does not fire in any case of rules_test.yaml", r.Alert)
			}
		}
	}
}
