package helm_test

import (
	"bytes"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"lameduck/deploy/ctl/inject"
	"lameduck/deploy/deploytest"
	"lameduck/deploy/deploytest/manifests"
)

const chartDir = "lameduck-webhook"

// chartValues are the values files in ci, and the default values.
var chartValues = []string{"default", "monitored", "certificate", "full"}

// TestTheChartMatchesItsGoldenFiles compares the output of `helm template`. To update:
//
//	go test ./deploy/helm -update
func TestTheChartMatchesItsGoldenFiles(t *testing.T) {
	for _, values := range chartValues {
		t.Run(values, func(t *testing.T) {
			deploytest.ExpectGolden(t, "testdata/"+values+".yaml",
				renderChart(t, values))
		})
	}
}

func TestEveryObjectOfTheChartIsValid(t *testing.T) {
	for _, values := range chartValues {
		t.Run(values, func(t *testing.T) { chart(t, values) })
	}
}

// TestTheChartRefusesInvalidValues sets values that have no or a bad effect.
func TestTheChartRefusesInvalidValues(t *testing.T) {
	for name, tc := range map[string]struct{ set, names string }{
		"a value that is misspelt":                {"replica=3", "replica"},
		"a value that is misspelt further in":     {"image.repo=x", "repo"},
		"one replica":                             {"replicas=1", "replicas"},
		"half a replica":                          {"replicas=2.5", "replicas"},
		"no image":                                {"image.repository=", "repository"},
		"an image with its tag in the repository": {"image.repository=a/b:1", "repository"},
		"half a digest":                           {"image.digest=sha256:12", "digest"},
		"an unknown shape":                        {"sidecar.shape=ambient", "shape"},
		"an unknown load balancer":                {"sidecar.lb=elb", "lb"},
		"a delay without a unit":                  {"sidecar.lbDelay=90", "lbDelay"},
		"a wait that holds the API server up":     {"timeoutSeconds=30", "timeoutSeconds"},
		"a policy that refuses pods":              {"failurePolicy=Fail", "failurePolicy"},
		"a Secret without a CA":                   {"tls.secretName=x", "tls"},
		"a CA without a Secret":                   {"tls.injectCAFrom=a/b", "tls"},
		"a CA bundle that is a file name":         {"tls.secretName=x,tls.caBundle=ca.pem", "caBundle"},
		"two several CAs": {
			"tls.secretName=x,tls.injectCAFrom=a/b,tls.caBundle=-----BEGIN CERTIFICATE-----", "tls",
		},
		"a registry with a path":          {"imageEntrypoint.registries={ghcr.io/team}", "registries"},
		"a Secret for no registry":        {"imageEntrypoint.pullSecrets={a}", "pullSecrets"},
		"a Secret that can be none":       {"imageEntrypoint.registries={all},imageEntrypoint.pullSecrets={A_}", "pullSecrets"},
		"an argument that is no flag":     {"extraArgs={webhook}", "extraArgs"},
		"a namespace that can be none":    {"neverNamespaces={Kube_System}", "neverNamespaces"},
		"a port that can be none":         {"networkPolicy.apiServerPorts={0}", "apiServerPorts"},
		"an unknown monitor":              {"monitoring.monitor=Probe", "monitor"},
		"a redirect that no label limits": {"allowRedirect=true,watch=false", "watch"},
		"a label that is no text":         {"monitoring.labels.release=1", "release"},
	} {
		t.Run(name, func(t *testing.T) {
			output, err := helmTemplate(t, "--set", tc.set)
			if err == nil {
				t.Fatalf("it accepts %s", tc.set)
			}
			if !strings.Contains(output, "values don't meet the specifications of the "+
				"schema") || !strings.Contains(output, tc.names) {
				t.Errorf("the error for %s does not name the value: %s", tc.set, output)
			}
		})
	}
}

// Objects of different releases have different names.
func TestEveryObjectOfAReleaseHasTheReleasesName(t *testing.T) {
	for _, o := range manifests.DecodeAll(t, documents(render(t, "edge", "--set",
		"monitoring.enabled=true,imageEntrypoint.registries={all},imageEntrypoint.pullSecrets={a}"))) {
		got := accessor(t, o).GetName()
		own := strings.TrimPrefix(strings.TrimSuffix(strings.TrimSuffix(got, "-watch"), "-pull-secrets"), "00-")
		if own != "edge-lameduck-webhook" {
			t.Errorf("%T is called %s", o, got)
		}
	}
}

func TestTheChartPassesHelmLint(t *testing.T) {
	for _, values := range chartValues {
		cmd := exec.CommandContext(t.Context(), helm(t), append([]string{"lint", "--strict",
			chartDir},
			valuesFlags(values)...)...)
		if output, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", values, err, output)
		}
	}
}

// chart returns the objects of the chart with a values file.
func chart(t *testing.T, values string) []runtime.Object {
	t.Helper()
	return manifests.DecodeAll(t, documents(renderChart(t, values)))
}

func renderChart(t *testing.T, values string) string {
	t.Helper()
	return render(t, "lameduck-webhook", valuesFlags(values)...)
}

func valuesFlags(values string) []string {
	if values == "default" {
		return nil
	}
	return []string{"--values", chartDir + "/ci/" + values + "-values.yaml"}
}

// render returns the objects that helm applies.
func render(t *testing.T, release string, flags ...string) string {
	t.Helper()
	output, err := runHelmTemplate(t, release, flags...)
	if err != nil {
		t.Fatalf("helm template: %v\n%s", err, output)
	}
	return output
}

func helmTemplate(t *testing.T, flags ...string) (string, error) {
	t.Helper()
	return runHelmTemplate(t, "lameduck-webhook", flags...)
}

// runHelmTemplate sets the version of Kubernetes, as a helm built from source assumes an old one.
func runHelmTemplate(t *testing.T, release string, flags ...string) (string, error) {
	t.Helper()
	args := append([]string{"template", release, chartDir, "--namespace", "lameduck",
		"--kube-version",
		"1.34.0"}, flags...)
	cmd := exec.CommandContext(t.Context(), helm(t), args...)
	var errors bytes.Buffer
	cmd.Stderr = &errors
	out, err := cmd.Output()
	if err != nil {
		return errors.String(), err
	}
	return string(out), nil
}

// helm returns the path of the program.
func helm(t *testing.T) string {
	t.Helper()
	return deploytest.Program(t, "helm", "go install helm.sh/helm/v3/cmd/helm@v3.22.0")
}

// documents splits a YAML stream.
func documents(stream string) []string {
	var texts []string
	for text := range strings.SplitSeq("\n"+stream, "\n---\n") {
		if strings.TrimSpace(text) != "" {
			texts = append(texts, text)
		}
	}
	return texts
}

func TestTheChartsREADMEHasEveryValueAndEveryAlert(t *testing.T) {
	readme, err := os.ReadFile(chartDir + "/README.md")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(chartDir + "/values.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var values map[string]any
	if err := yaml.Unmarshal(text, &values); err != nil {
		t.Fatal(err)
	}
	var words []string
	for key, value := range values {
		words = append(words, "`"+key)
		if inner, is := value.(map[string]any); is && key != "resources" {
			for k := range inner {
				words = append(words, "."+k)
			}
		}
	}
	for _, g := range manifests.Rules(t, chartDir+"/files").Groups {
		for _, r := range g.Rules {
			words = append(words, "| `"+r.Alert+"` |")
		}
	}
	for _, w := range words {
		if !strings.Contains(string(readme), w) {
			t.Errorf("no %s", w)
		}
	}
	for _, m := range regexp.MustCompile("(?m)^\\| `(Lameduck\\w+)` ").FindAllStringSubmatch(string(readme), -1) {
		if !slices.Contains(words, "| `"+m[1]+"` |") {
			t.Errorf("no alert %s", m[1])
		}
	}
}

func TestTheRulesFireWhenTheyShould(t *testing.T) { manifests.ExpectRulesFire(t, chartDir+"/files") }

// The chart and lameduckctl accept the same load balancers.
func TestTheChartKnowsThePresets(t *testing.T) {
	var schema struct {
		Properties struct {
			Sidecar struct {
				Properties struct {
					LB struct{ Enum []string }
				}
			}
		}
	}
	if err := yaml.Unmarshal([]byte(deploytest.ReadFile(t, chartDir+"/values.schema.json")), &schema); err != nil {
		t.Fatal(err)
	}
	want, values := []string{""}, deploytest.ReadFile(t, chartDir+"/values.yaml")
	for _, p := range inject.Presets() {
		want = append(want, p.Name)
		if !strings.Contains(values, p.Name) {
			t.Errorf("values.yaml does not name %s", p.Name)
		}
	}
	if got := schema.Properties.Sidecar.Properties.LB.Enum; !slices.Equal(got, want) {
		t.Errorf("the schema accepts %q, want %q", got, want)
	}
}
