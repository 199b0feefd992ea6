package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lameduck/deploy/ctl/lint"
	"lameduck/deploy/deploytest"
)

// manifestOf returns the path of a Deployment in the testdata of deploy/ctl/lint.
func manifestOf(rule, name string) string {
	return filepath.Join("..", "..", "deploy", "ctl", "lint", "testdata", rule, name)
}

// lintWith runs the command with an empty standard input.
func lintWith(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	stdout, stderr, code = ctl(t, "", append([]string{"lint"}, args...)...)
	return code, stdout, stderr
}

func TestLintsExitCodeReportsFindings(t *testing.T) {
	warning, bad, clean := manifestOf("one-replica", "bad.yaml"),
		manifestOf("grace-period-differs", "bad.yaml"), manifestOf("one-replica", "good.yaml")
	for _, tc := range []struct {
		args []string
		want int
	}{
		{[]string{clean}, exitOK},
		{[]string{bad}, exitProblems},
		{[]string{"-f", bad}, exitProblems},
		{[]string{clean, "-f", bad}, exitProblems},
		{[]string{warning}, exitOK}, // the default is --fail-on error
		{[]string{"--fail-on=warning", warning}, exitProblems},
		{[]string{"--fail-on=info", warning}, exitProblems},
		{[]string{"--fail-on=never", bad}, exitOK},
		{[]string{"--ignore=grace-period-differs", bad}, exitOK},
		{[]string{"--lb-delay=1h", clean}, exitProblems},
		{[]string{"--kubernetes-version=1.28", clean}, exitProblems},
		{[]string{"--kubernetes-version=1.34,1.28", clean}, exitProblems},
	} {
		if code, stdout, stderr := lintWith(t, tc.args...); code != tc.want || stderr != "" {
			t.Errorf("lint %v: exit code %d, want %d\n%s%s", tc.args, code, tc.want, stdout, stderr)
		}
	}
}

func TestLintErrorsHaveTheirOwnExitCode(t *testing.T) {
	clean := manifestOf("one-replica", "good.yaml")
	for _, tc := range []struct {
		args []string
		want string
	}{
		{[]string{"there/is/none.yaml"}, "no such file"},
		{[]string{"-o", "xml", clean}, "text, json, sarif, github"},
		{[]string{"--fail-on", "fatal", clean}, "info, warning, error, or never"},
		{[]string{"--ignore", "one-replic", clean}, "unknown rule"},
		{[]string{"--kubernetes-version", "new", clean}, "1.34"},
		{[]string{"--context", "production", clean}, "--context is for a cluster"},
		{[]string{"-A", "-n", "shop"}, "use either --namespace"},
		{[]string{"--fail-on", "fatal", "-o", "xml", clean}, "text, json, sarif, github"},
		// every problem at once
		{[]string{"--kubeconfig", "there/is/none"}, "kubeconfig"},
		{[]string{"--no-such-flag"}, "no-such-flag"},
	} {
		code, stdout, stderr := lintWith(t, tc.args...)
		if code != exitError || !strings.Contains(stderr, tc.want) || stdout != "" {
			t.Errorf("lint %v: exit code %d, stdout %q, stderr %q, want %q", tc.args, code, stdout,
				stderr, tc.want)
		}
	}
}

func TestLintWithoutArgumentsReportsItsUsage(t *testing.T) {
	t.Setenv("KUBECONFIG", filepath.Join(t.TempDir(), "none"))
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	code, _, stderr := lintWith(t)
	if code != exitError || !strings.Contains(stderr, "pass files, directories or -") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

func TestLintReadsStandardInput(t *testing.T) {
	stdout, stderr, code := ctl(t, deploytest.ReadFile(t, manifestOf("grace-period-differs",
		"bad.yaml")), "lint", "-o", "json", "-")
	var got struct{ Findings []struct{ Rule, File string } }
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || code != exitProblems {
		t.Fatalf("exit code %d: %v in %s%s", code, err, stdout, stderr)
	}
	if len(got.Findings) != 1 || got.Findings[0].Rule != "grace-period-differs" ||
		got.Findings[0].File != "<stdin>" {
		t.Errorf("found %v", got)
	}
}

// TestLintReadsTheClusterOfTheContext runs an API server and a kubeconfig with contexts for it.
func TestLintReadsTheClusterOfTheContext(t *testing.T) {
	var asked []string // needs no lock: Deployments are listed once
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/deployments") {
			asked = append(asked, r.URL.Path)
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","code":403}`)
	}))
	defer api.Close()
	kubeconfig := filepath.Join(t.TempDir(), "config")
	text := `{apiVersion: v1, kind: Config, current-context: other,
clusters: [{name: here, cluster: {server: "` + api.URL + `"}},
  {name: other, cluster: {server: "http://127.0.0.1:1"}}],
contexts: [{name: production, context: {cluster: here, namespace: shop}},
  {name: other, context: {cluster: other}}]}`
	if err := os.WriteFile(kubeconfig, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ flag, want string }{
		{"--timeout=1m", "/apis/apps/v1/namespaces/shop/deployments"}, // the context's
		{"--namespace=till", "/apis/apps/v1/namespaces/till/deployments"},
		{"--all-namespaces", "/apis/apps/v1/deployments"},
	} {
		asked = nil
		code, stdout, stderr := lintWith(t, "--kubeconfig", kubeconfig, "--context", "production",
			tc.flag)
		if code != exitOK || len(asked) != 1 || asked[0] != tc.want ||
			!strings.Contains(stdout, "[not-checked]") {
			t.Errorf("%s: exit code %d, asked for %v, want %s\n%s%s", tc.flag, code, asked, tc.want,
				stdout, stderr)
		}
	}
	code, _, stderr := lintWith(t, "--kubeconfig", kubeconfig, "--timeout", "5s")
	if code != exitError || !strings.Contains(stderr, "127.0.0.1:1") {
		t.Errorf("a cluster that is not there: exit code %d, %s", code, stderr)
	}
}

func TestExplainListsAndDescribesTheRules(t *testing.T) {
	list, stderr, code := ctl(t, "", "explain")
	if code != exitOK {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	for _, r := range lint.Rules() {
		if !strings.Contains(list, r.ID+" ") || !strings.Contains(list, r.Title) {
			t.Errorf("the list lacks %s", r.ID)
		}
		output, _, code := ctl(t, "", "explain", r.ID)
		head, text, _ := strings.Cut(output, "\n\n")
		if code != exitOK || head != fmt.Sprintf("%s (%v): %s", r.ID, r.Severity, r.Title) ||
			strings.Join(strings.Fields(text), " ") != r.Text() {
			t.Errorf("%s: exit code %d: %s", r.ID, code, output)
		}
		for line := range strings.Lines(text) {
			if len(line) > explainWidth+len("\n") {
				t.Errorf("%s: a line of %d characters: %s", r.ID, len(line), line)
			}
		}
	}
}

func TestExplainSuggestsRulesWithASimilarName(t *testing.T) {
	_, stderr, code := ctl(t, "", "explain", "webhook-timeouts")
	if code != exitError || !strings.Contains(stderr, "webhook-timeout?") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	_, stderr, code = ctl(t, "", "explain", "xyz")
	if code != exitError || !strings.Contains(stderr, "lists all rules") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}
