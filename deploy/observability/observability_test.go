package observability_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"lameduck/deploy/deploytest"
	"lameduck/deploy/deploytest/manifests"
)

// metricName matches our metrics in expressions. A name after a colon is a recording rule.
var metricName = regexp.MustCompile(`(^|[^:\w])(lameduck_\w+)`)

func TestTheRulesFireWhenTheyShould(t *testing.T) { manifests.ExpectRulesFire(t, ".") }

// TestTheREADMEListsEveryAlert compares the table of alerts in deploy/README.md with the rules.
func TestTheREADMEListsEveryAlert(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var listed, alerts []string
	for _, m := range regexp.MustCompile("(?m)^\\| `(Lameduck\\w+)` ").FindAllStringSubmatch(string(readme), -1) {
		listed = append(listed, m[1])
	}
	for _, g := range manifests.Rules(t, ".").Groups {
		for _, r := range g.Rules {
			if r.Alert != "" {
				alerts = append(alerts, r.Alert)
			}
		}
	}
	slices.Sort(listed)
	slices.Sort(alerts)
	if len(alerts) == 0 || !slices.Equal(listed, alerts) {
		t.Errorf("deploy/README.md lists the alerts %v, the rules are %v", listed, alerts)
	}
}

// TestPrometheusAcceptsTheRulesAndTheDashboard runs both in a real Prometheus that scrapes a real
// Lameduck.
func TestPrometheusAcceptsTheRulesAndTheDashboard(t *testing.T) {
	dir := t.TempDir()
	manifests.WriteRules(t, ".", dir)
	admin := startLameduck(t)
	expectMetrics(t, "http://"+admin+"/metrics")
	api := startPrometheus(t, dir, admin)
	deploytest.Await(t, deploytest.WaitTimeout, "lameduck's metrics", func() error {
		found, err := query(api, `lameduck_phase{phase="serving"} == 1`)
		if err == nil && found == 0 {
			err = fmt.Errorf("no such series")
		}
		return err
	})
	deploytest.Await(t, deploytest.WaitTimeout, "the evaluation of the rules",
		func() error { return evaluated(api) })
	for _, q := range dashboardQueries(t) {
		if _, err := query(api, q); err != nil {
			t.Errorf("the dashboard's %s: %v", q, err)
		}
	}
}

// expectMetrics checks that Lameduck has every metric of the rules and the dashboard. Counters with
// labels appear with their first event.
func expectMetrics(t *testing.T, url string) {
	t.Helper()
	text, err := deploytest.Fetch(url)
	if err != nil {
		t.Fatal(err)
	}
	queries := dashboardQueries(t)
	for _, g := range manifests.Rules(t, ".").Groups {
		for _, r := range g.Rules {
			queries = append(queries, r.Expr.String())
		}
	}
	for _, q := range queries {
		for _, m := range metricName.FindAllStringSubmatch(q, -1) {
			if !strings.Contains(text, "# TYPE "+m[2]+" ") {
				t.Errorf("lameduck has no metric %s, which is used in %s", m[2], q)
			}
		}
	}
}

// dashboardQueries returns the expressions of the dashboard with variables expanded.
func dashboardQueries(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("dashboard.json")
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
	fill := strings.NewReplacer("$namespace", ".*", "$workload", ".*", "$__range", "6h", "$__rate_interval",
		"1m")
	var queries []string
	for _, p := range dashboard.Panels {
		for _, target := range p.Targets {
			queries = append(queries, fill.Replace(target.Expr))
		}
	}
	if len(queries) < 5 || slices.Contains(queries, "") {
		t.Errorf("the dashboard has the queries %q", queries)
	}
	return queries
}

// startPrometheus returns the address of its API. It scrapes every second and adds the labels of
// the PodMonitor.
func startPrometheus(t *testing.T, dir, target string) string {
	t.Helper()
	path := deploytest.Program(t, "prometheus", "apt-get install prometheus")
	deploytest.WriteFile(t, filepath.Join(dir, "prometheus.yaml"), `
global: { scrape_interval: 1s, evaluation_interval: 1s }
rule_files: [rules.yaml]
scrape_configs:
  - job_name: lameduck
    static_configs:
      - targets: ["`+target+`"]
        labels: { namespace: n, workload: w, pod: p }
`)
	addr := deploytest.FreeAddr(t)
	deploytest.Start(t, dir, nil, path, "--config.file=prometheus.yaml", "--storage.tsdb.path=data",
		"--web.listen-address="+addr)
	deploytest.Await(t, deploytest.WaitTimeout, "Prometheus", func() error {
		_,
			err := deploytest.Fetch("http://" + addr + "/-/ready")
		return err
	})
	return "http://" + addr + "/api/v1/"
}

// startLameduck starts a Lameduck without an app and returns its admin address.
func startLameduck(t *testing.T) string {
	t.Helper()
	addr := deploytest.FreeAddr(t)
	deploytest.Start(t, t.TempDir(), []string{
		"LAMEDUCK_ROUTES=" + deploytest.FreeAddr(t) + "=" + deploytest.FreeAddr(t), "LAMEDUCK_ADMIN=" + addr,
		"LAMEDUCK_CONTROL=" + deploytest.FreeAddr(t),
	}, deploytest.Build(t, "lameduck/cmd/lameduck"))
	deploytest.Await(t, deploytest.WaitTimeout, "Lameduck", func() error {
		_,
			err := deploytest.Fetch("http://" + addr + "/readyz")
		return err
	})
	return addr
}

// query returns the number of series of an expression.
func query(api, expr string) (int, error) {
	text, err := deploytest.Fetch(api + "query?" + url.Values{"query": {expr}}.Encode())
	if err != nil {
		return 0, err
	}
	var answer struct{ Data struct{ Result []any } }
	err = json.Unmarshal([]byte(text), &answer)
	return len(answer.Data.Result), err
}

// evaluated returns nil if every rule has been evaluated without an error.
func evaluated(api string) error {
	text, err := deploytest.Fetch(api + "rules")
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
		return fmt.Errorf("no rules")
	}
	return nil
}
