package deploy_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// patience is how long anything that must come may take: only a failure takes that long.
const patience = time.Minute

// metricName is how our metrics are written in expressions. What follows a colon is the name of a recording rule.
var metricName = regexp.MustCompile(`(^|[^:\w])(lameduck_\w+)`)

// ruleDirs have each a kustomization with rules, and rules_test.yaml that tries them.
var ruleDirs = []string{"observability", chartDir + "/files"}

func TestTheRulesFireWhenTheyShould(t *testing.T) {
	promtool := program(t, "promtool", "prometheus")
	for _, source := range ruleDirs {
		dir := t.TempDir()
		writeRules(t, source, dir)
		writeAt(t, filepath.Join(dir, "rules_test.yaml"), ruleCases(t, source))
		for _, args := range [][]string{{"check", "rules", "--lint-fatal", "rules.yaml"}, {"test", "rules", "rules_test.yaml"}} {
			cmd := exec.CommandContext(t.Context(), promtool, args...)
			cmd.Dir = dir
			if said, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s: promtool %s: %v\n%s", source, strings.Join(args, " "), err, said)
			}
		}
	}
}

func TestEveryAlertIsTried(t *testing.T) {
	for _, source := range ruleDirs {
		cases := ruleCases(t, source)
		for _, g := range rules(t, source).Groups {
			for _, r := range g.Rules {
				fires := regexp.MustCompile(`alertname: ` + r.Alert + `\n\s+exp_alerts:`)
				if r.Alert != "" && !fires.Match(cases) {
					t.Errorf("nothing in %s/rules_test.yaml lets %s fire", source, r.Alert)
				}
			}
		}
	}
}

func ruleCases(t *testing.T, source string) []byte {
	t.Helper()
	cases, err := os.ReadFile(filepath.Join(source, "rules_test.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return cases
}

// TestPrometheusTakesTheRulesAndTheDashboard runs both in a real Prometheus that collects from a real Lameduck.
func TestPrometheusTakesTheRulesAndTheDashboard(t *testing.T) {
	dir := t.TempDir()
	writeRules(t, "observability", dir)
	admin := startLameduck(t)
	expectMetrics(t, "http://"+admin+"/metrics")
	api := startPrometheus(t, dir, admin)
	await(t, "lameduck's metrics", func() error {
		found, err := query(api, `lameduck_phase{phase="serving"} == 1`)
		if err == nil && found == 0 {
			err = fmt.Errorf("nothing is found")
		}
		return err
	})
	await(t, "the rules' evaluation", func() error { return evaluated(api) })
	for _, q := range dashboardQueries(t) {
		if _, err := query(api, q); err != nil {
			t.Errorf("the dashboard's %s: %v", q, err)
		}
	}
}

// expectMetrics looks that every metric that rules and dashboard ask for is one that Lameduck has. Counters by label come with
// their first event.
func expectMetrics(t *testing.T, url string) {
	t.Helper()
	text, err := fetch(url)
	if err != nil {
		t.Fatal(err)
	}
	asked := dashboardQueries(t)
	for _, g := range rules(t, "observability").Groups {
		for _, r := range g.Rules {
			asked = append(asked, r.Expr.String())
		}
	}
	for _, q := range asked {
		for _, m := range metricName.FindAllStringSubmatch(q, -1) {
			if !strings.Contains(text, "# TYPE "+m[2]+" ") {
				t.Errorf("lameduck has no metric %s, which is asked for in %s", m[2], q)
			}
		}
	}
}

// dashboardQueries returns the dashboard's expressions as Grafana sends them.
func dashboardQueries(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("observability/dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	fill := strings.NewReplacer("$namespace", ".*", "$workload", ".*", "$__range", "6h", "$__rate_interval", "1m")
	var queries []string
	for _, p := range dashboard.Panels {
		for _, target := range p.Targets {
			queries = append(queries, fill.Replace(target.Expr))
		}
	}
	if len(queries) < 5 || slices.Contains(queries, "") {
		t.Errorf("the dashboard asks %q", queries)
	}
	return queries
}

// rules returns the specification of a directory's PrometheusRule.
func rules(t *testing.T, source string) monitoringv1.PrometheusRuleSpec {
	t.Helper()
	for _, o := range decode(t, build(t, filesys.MakeFsOnDisk(), source)) {
		if r, is := o.(*monitoringv1.PrometheusRule); is {
			return r.Spec
		}
	}
	t.Fatal("there are no rules")
	return monitoringv1.PrometheusRuleSpec{}
}

// writeRules writes them as Prometheus itself takes them.
func writeRules(t *testing.T, source, dir string) {
	t.Helper()
	text, err := yaml.Marshal(rules(t, source))
	if err != nil {
		t.Fatal(err)
	}
	writeAt(t, filepath.Join(dir, "rules.yaml"), text)
}

func writeAt(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
}

// startPrometheus returns the address of its API. It collects every second, with the labels that the PodMonitor adds.
func startPrometheus(t *testing.T, dir, target string) string {
	t.Helper()
	path := program(t, "prometheus", "prometheus")
	writeAt(t, filepath.Join(dir, "prometheus.yaml"), []byte(`
global: { scrape_interval: 1s, evaluation_interval: 1s }
rule_files: [rules.yaml]
scrape_configs:
  - job_name: lameduck
    static_configs:
      - targets: ["`+target+`"]
        labels: { namespace: n, workload: w, pod: p }
`))
	addr := freeAddr(t)
	run(t, dir, nil, path, "--config.file=prometheus.yaml", "--storage.tsdb.path=data", "--web.listen-address="+addr)
	await(t, "Prometheus", func() error { _, err := fetch("http://" + addr + "/-/ready"); return err })
	return "http://" + addr + "/api/v1/"
}

// startLameduck returns the admin address of one whose app is not there.
func startLameduck(t *testing.T) string {
	t.Helper()
	addr := freeAddr(t)
	run(t, t.TempDir(), []string{
		"LAMEDUCK_ROUTES=" + freeAddr(t) + "=" + freeAddr(t), "LAMEDUCK_ADMIN=" + addr, "LAMEDUCK_CONTROL=" + freeAddr(t),
	}, lameduckBinary(t))
	await(t, "Lameduck", func() error { _, err := fetch("http://" + addr + "/readyz"); return err })
	return addr
}

// lameduckBinary builds the program.
func lameduckBinary(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "lameduck")
	if said, err := exec.CommandContext(t.Context(), "go", "build", "-o", path, "lameduck/cmd/lameduck").CombinedOutput(); err != nil {
		t.Fatalf("build lameduck: %v\n%s", err, said)
	}
	return path
}

// run starts a program that is killed when the test ends.
func run(t *testing.T, dir string, env []string, path string, args ...string) {
	t.Helper()
	log, err := os.Create(filepath.Join(dir, filepath.Base(path)+".log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, args...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, append(env, "PATH="+os.Getenv("PATH")), log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		log.Close()
		if said, err := os.ReadFile(log.Name()); t.Failed() && err == nil {
			t.Logf("%s: %s", filepath.Base(path), said)
		}
	})
}

// program returns the path of one of a Debian package.
func program(t *testing.T, name, from string) string {
	t.Helper()
	return programFrom(t, name, "apt-get install "+from)
}

// programFrom returns the path of one that may not be there: then the test is skipped, but not in CI.
func programFrom(t *testing.T, name, install string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	switch {
	case err == nil:
		return path
	case os.Getenv("CI") != "":
		t.Fatalf("%s is missing: %s", name, install)
	default:
		t.Skipf("%s is missing: %s", name, install)
	}
	return ""
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func await(t *testing.T, what string, check func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("waiting for %s: %v", what, err)
		}
	}
}

func fetch(url string) (string, error) {
	client := http.Client{Timeout: 5 * time.Second}
	resp, err := client.Get(url)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", resp.Status, text)
	}
	return string(text), err
}

// query returns how many series an expression has.
func query(api, expr string) (int, error) {
	text, err := fetch(api + "query?" + url.Values{"query": {expr}}.Encode())
	if err != nil {
		return 0, err
	}
	var answer struct{ Data struct{ Result []any } }
	err = json.Unmarshal([]byte(text), &answer)
	return len(answer.Data.Result), err
}

// evaluated returns nil when every rule has been evaluated and none has failed.
func evaluated(api string) error {
	text, err := fetch(api + "rules")
	if err != nil {
		return err
	}
	var answer struct {
		Data struct {
			Groups []struct {
				Rules []struct{ Name, Health, LastError string }
			}
		}
	}
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		return err
	}
	seen := 0
	for _, g := range answer.Data.Groups {
		for _, r := range g.Rules {
			if seen++; r.Health != "ok" {
				return fmt.Errorf("rule %s is %s: %s", r.Name, r.Health, r.LastError)
			}
		}
	}
	if seen == 0 {
		return fmt.Errorf("there are no rules")
	}
	return nil
}
