//go:build e2e

package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"lameduck/deploy/deploytest"
)

// alerts is a real Prometheus with the rules of the chart. It scrapes the API server.
type alerts struct {
	ctx  context.Context
	addr string
}

// watchAlerts starts it until the end of the test. It reaches the API server through kubectl proxy.
func watchAlerts(t *testing.T) alerts {
	t.Helper()
	dir := t.TempDir()
	deploytest.WriteFile(t, filepath.Join(dir, "rules.yaml"), chartRules(t))
	deploytest.WriteFile(t, filepath.Join(dir, "prometheus.yaml"), fmt.Sprintf(`
global: { scrape_interval: 1s, evaluation_interval: 1s }
rule_files: [rules.yaml]
scrape_configs:
  - job_name: apiserver
    static_configs: [{ targets: ["%s"] }]
`, proxyAPI(t)))
	a := alerts{ctx: t.Context(), addr: deploytest.FreeAddr(t)}
	cmd := exec.CommandContext(t.Context(), "prometheus", "--config.file=prometheus.yaml",
		"--storage.tsdb.path=data", "--web.listen-address="+a.addr)
	cmd.Dir = dir
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Wait() })
	deploytest.Await(t, waitTimeout, "Prometheus to see the API server", func() error {
		_, text, err := call(a.ctx, http.MethodGet, "http://"+a.addr+"/api/v1/query?query=up")
		if err == nil && !strings.Contains(text, `"1"]`) {
			err = fmt.Errorf("it sees %s", text)
		}
		return err
	})
	return a
}

// firing returns nil if an alert fires.
func (a alerts) firing(name string) error {
	_, text, err := call(a.ctx, http.MethodGet, "http://"+a.addr+"/api/v1/alerts")
	if err != nil {
		return err
	}
	var answer struct {
		Data struct {
			Alerts []struct {
				Labels map[string]string
				State  string
			}
		}
	}
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		return err
	}
	for _, alert := range answer.Data.Alerts {
		if alert.Labels["alertname"] == name && alert.State == "firing" {
			return nil
		}
	}
	return fmt.Errorf("found %s", text)
}

// chartRules returns the rules of the chart as a rule file of Prometheus.
func chartRules(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../helm/lameduck-webhook/files/rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var rule struct {
		Spec any `json:"spec"`
	}
	if err := yaml.Unmarshal(text, &rule); err != nil {
		t.Fatal(err)
	}
	spec, err := yaml.Marshal(rule.Spec)
	if err != nil {
		t.Fatal(err)
	}
	return string(spec)
}

// proxyAPI returns a local address of the API server that needs no token.
func proxyAPI(t *testing.T) string {
	t.Helper()
	said := make(chan string, 1)
	follow(t.Context(), t, func(r io.Reader) {
		for lines := bufio.NewScanner(r); lines.Scan(); {
			if _, addr, found := strings.Cut(lines.Text(), "Starting to serve on "); found {
				said <- addr
			}
		}
	}, "proxy", "--port=0")
	select {
	case addr := <-said:
		return addr
	case <-t.Context().Done():
		return ""
	}
}
