package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// childVariable makes this test binary run as lameduckctl.
const childVariable = "LAMEDUCKCTL_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		main()
	}
	os.Exit(m.Run())
}

// child runs lameduckctl in a process of its own, in a directory.
func child(t *testing.T, dir, stdin string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, withImage(args)...)
	cmd.Env = append(os.Environ(), childVariable+"=1")
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(stdin)
	var out, output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &output
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return asInExamples(out.String()), asInExamples(output.String()), cmd.ProcessState.ExitCode()
}

const (
	workload = `apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  selector: { matchLabels: { app: web } }
  template:
    metadata:
      labels: { app: web }
    spec:
      containers:
        - name: web
          image: web:1
          ports: [{ name: http, containerPort: 3000 }]
`
	portless = `apiVersion: apps/v1
kind: Deployment
metadata: { name: worker }
spec:
  selector: { matchLabels: { app: worker } }
  template:
    metadata: { labels: { app: worker } }
    spec:
      containers: [{ name: worker, image: worker:1 }]
`
	bare = `apiVersion: apps/v1
kind: Deployment
metadata: { name: bare }
spec:
  selector: { matchLabels: { app: bare } }
  template:
    metadata: { labels: { app: bare } }
    spec:
      containers: [{ name: bare, image: bare:1, ports: [{ name: http }] }]
`
	named = "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {selector: {app: web}, " +
		"ports: [{port: 80, targetPort: http}]}\n"
	numbered = "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {selector: {app: web}, " +
		"ports: [{port: 80, targetPort: 3000}]}\n"

	// other is an object that inject does not change.
	other = "# settings\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n"
)

func TestExitCodesAreThoseOfTheHelp(t *testing.T) {
	for name, tc := range map[string]struct {
		stdin  string
		args   []string
		code   int
		output string
	}{
		"all is done": {
			workload + "---\n" + named, []string{"inject", "-f", "-"}, 0,
			"<stdin>:1:1: Deployment web: injected, mode move: every Service",
		},
		"a Service has a number": {
			workload + "---\n" + numbered, []string{"inject", "-f", "-"}, 0,
			"Deployment web: injected, mode observe: Service s has targetPort 3000, a number; for " +
				"more: use targetPort: http in Service s",
		},
		"a number, and mode move": {
			workload + "---\n" + numbered, []string{"inject", "-f", "-", "--mode", "move"}, 0,
			"Deployment web: injected, mode move: chosen by the settings",
		},
		"an unknown mode": {
			workload, []string{"inject", "-f", "-", "--mode", "watch"}, 2,
			"--mode: must be auto, observe, redirect, takeover or move",
		},
		"nothing is to be done": {other, []string{"inject", "-f", "-"}, 0, ""},
		"one is refused": {
			workload + "---\n" + bare, []string{"inject", "-f", "-"}, 1,
			"Deployment bare: spec.containers[0].ports[0].containerPort: not injected: must be a number",
		},
		"a worker": {
			workload + "---\n" + portless, []string{"inject", "-f", "-"}, 0,
			"Deployment worker: not injected: no container declares a TCP port",
		},
		"no file":                  {"", []string{"inject"}, 2, `required flag(s) "filename" not set`},
		"a file that is not there": {"", []string{"inject", "-f", "none.yaml"}, 2, "none.yaml"},
		"an argument":              {"", []string{"inject", "-f", "-", "deployment.yaml"}, 2, "deployment.yaml"},
		"what is no YAML":          {"a: [\n", []string{"inject", "-f", "-"}, 2, "<stdin>:"},
		"what is no Deployment": {
			strings.Replace(workload, "3000", "http", 1), []string{"inject", "-f", "-"}, 2,
			"<stdin>:13:33: Deployment web: spec.template.spec.containers[0].ports[0].containerPort: must be an integer, got string",
		},
		"an unknown shape": {
			workload, []string{"inject", "-f", "-", "--shape", "sidecar"}, 2,
			"--shape: must be native, plain or wrapper",
		},
		"an unknown flag": {
			workload, []string{"inject", "-f", "-", "--lb-dely", "1s"}, 2,
			"unknown flag: --lb-dely",
		},
		"an unknown command": {"", []string{"injekt"}, 2, `unknown command "injekt"`},
		"a file without -f": {
			workload, []string{"inject", "web.yaml"}, 2, "web.yaml: files are named with -f: lameduckctl inject -f web.yaml",
		},
		"an invalid version": {
			workload, []string{"inject", "-f", "-", "--kubernetes-version", "1,28"}, 2,
			`--kubernetes-version: must be a version such as 1.28, got "1,28"`,
		},
		"no namespace": {"", []string{"status"}, 2, "needs the name of one namespace: lameduckctl status NAMESPACE, got 0"},
		"a cluster that is too old": {
			workload, []string{"inject", "-f", "-", "--kubernetes-version", "1.28"}, 1,
			"Kubernetes 1.28 has no native sidecars: use --shape plain",
		},
		"and plain, which it can run": {
			workload, []string{"inject", "-f", "-", "--kubernetes-version", "1.28", "--shape",
				"plain"}, 0, "mode observe",
		},
	} {
		stdout, stderr, code := child(t, t.TempDir(), tc.stdin, tc.args...)
		if code != tc.code || !strings.Contains(stderr, tc.output) ||
			tc.output == "" && stderr != "" {
			t.Errorf("%s: exit code %d, want %d, standard error: %s", name, code, tc.code, stderr)
		}
		if (code == exitError) != (stdout == "") {
			t.Errorf("%s: exit code %d, and standard output is %q", name, code, stdout)
		}
	}
}

// TestErrorsHaveNoSecrets sets variables to a secret, by a flag, in an annotation and in a sidecar.
func TestErrorsHaveNoSecrets(t *testing.T) {
	const canary = "c4n4ry"
	for _, assignment := range []string{
		"LAMEDUCK_TLS_KEY=" + canary, "LAMEDUCK_TLS_KEY=-----BEGIN PRIVATE " +
			"KEY-----\n" + canary + "=\n-----END PRIVATE KEY-----",
		"LAMEDUCK_PASSWORD=" + canary, "LAMEDUCK_FALLBACK=postgres://user:" + canary + "@db:80",
		"LAMEDUCK_PROBE_PATHS=x?token=" + canary,
		"LAMEDUCK_ROUTES=18080=user:" + canary + "@app:8080",
		"LAMEDUCK_HOLD_MIN=-----BEGIN" + canary,
		canary + "=", canary,
	} {
		annotation, err := json.Marshal(assignment)
		if err != nil {
			t.Fatal(err)
		}
		annotated := strings.Replace(workload, "labels: { app: web }",
			"labels: { app: web }\n      annotations: { lameduck.dev/env: "+string(annotation)+" }",
			1)
		if !strings.Contains(annotated, canary) {
			t.Fatalf("no annotation in %s", annotated)
		}
		name, value, _ := strings.Cut(assignment, "=")
		env, err := json.Marshal([]map[string]string{{"name": name, "value": value}})
		if err != nil {
			t.Fatal(err)
		}
		sidecar := strings.Replace(workload, "      containers:",
			"      initContainers: [{ name: lameduck, image: lameduck, restartPolicy: Always, "+
				"env: "+
				string(env)+" }]\n      containers:", 1)
		if !strings.Contains(sidecar, canary) {
			t.Fatalf("no sidecar in %s", sidecar)
		}
		stdout, stderr, code := child(t, t.TempDir(), workload, "inject", "-f", "-", "--env",
			assignment)
		if code != exitError || strings.Contains(stdout+stderr, canary) {
			t.Errorf("--env %q: exit code %d, %s", assignment, code, stderr)
		}
		_, stderr, code = child(t, t.TempDir(), annotated, "inject", "-f", "-")
		if code != exitProblems || strings.Contains(stderr, canary) {
			t.Errorf("annotation %q: exit code %d, %s", assignment, code, stderr)
		}
		for _, manifest := range []string{annotated, sidecar} {
			stdout, stderr, code := child(t, t.TempDir(), manifest, "lint", "-")
			isVariable := strings.HasPrefix(assignment, "LAMEDUCK_") || manifest == annotated
			if strings.Contains(stdout+stderr, canary) ||
				isVariable &&
					(code != exitProblems || !strings.Contains(stdout, "setting-refused")) {
				t.Errorf("lint of %q: exit code %d, %s%s", assignment, code, stdout, stderr)
			}
		}
	}
}

// A refused workload is not lost: a pipe to kubectl apply gets every object.
func TestARefusedWorkloadIsWrittenUnchanged(t *testing.T) {
	stdout, _, _ := child(t, t.TempDir(), workload+"---\n"+bare, "inject", "-f", "-")
	if !strings.HasSuffix(stdout, "---\n"+bare) ||
		!strings.Contains(stdout, "LAMEDUCK_OBSERVE") {
		t.Errorf("got\n%s", stdout)
	}
}

func TestADirectoryIsWrittenAsOneStream(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"a.yaml": other, "b.yaml": "---\n" + workload,
		"c.yaml": strings.TrimSuffix(other, "\n"), "d.yaml": portless} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	stdout, _, _ := child(t, dir, "", "inject", "-f", ".", "--uninject")
	if want := other + "---\n" + workload + "---\n" + other + "---\n" + portless; stdout != want {
		t.Errorf("got\n%s\nwant\n%s", stdout, want)
	}
	stdout, _, _ = child(t, dir, "", "inject", "-f", "d.yaml", "-f", "a.yaml")
	if stdout != portless+"---\n"+other {
		t.Errorf("got\n%s", stdout)
	}
}

func TestAnnotationsOverrideFlags(t *testing.T) {
	args := []string{"inject", "-f", "-", "--lb-delay", "3m", "--image",
		"registry.of.ours/lameduck:1",
		"--env", "LAMEDUCK_HOLD_MIN=9s"}
	stdout, _, _ := child(t, t.TempDir(), workload, args...)
	for _, want := range []string{"terminationGracePeriodSeconds: 240",
		"image: registry.of.ours/lameduck:1", "value: 9s"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("no %s in\n%s", want, stdout)
		}
	}
	own := strings.Replace(workload, "labels: { app: web }\n",
		"labels: { app: web }\n      annotations: { lameduck.dev/lb-delay: 10s }\n", 1)
	stdout, _, _ = child(t, t.TempDir(), own, args...)
	if !strings.Contains(stdout, "terminationGracePeriodSeconds: 60") {
		t.Errorf("the annotation does not count in\n%s", stdout)
	}
}

// A Service is named if any file has it, and if it is in the workload's namespace.
func TestAServiceInTheInputIsReported(t *testing.T) {
	move := []string{"inject", "-f", "-", "--mode", "move"}
	_, output, _ := child(t, t.TempDir(), workload+"---\n"+numbered, move...)
	if !strings.Contains(output, "<stdin>:13:19: Deployment web: spec.containers[0].ports[0]: "+
		"Service s: targetPort 3000 bypasses Lameduck: change it to http after the rollout") {
		t.Errorf("output %s", output)
	}
	elsewhere := strings.Replace(numbered, "{name: s}", "{name: s, namespace: other}", 1)
	shop := strings.Replace(workload, "{ name: web }", "{ name: web, namespace: shop }", 1)
	_, output, _ = child(t, t.TempDir(), shop+"---\n"+elsewhere, move...)
	if strings.Contains(output, "Service s") {
		t.Errorf("in another namespace: the output is %s", output)
	}
}

func TestANetworkPolicyInTheInputIsReported(t *testing.T) {
	const policy = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: " +
		"p}\nspec: {podSelector: {}, ingress: [{ports: [{port: 3000}]}]}\n"
	_, output, _ := child(t, t.TempDir(), workload+"---\n"+policy, "inject", "-f", "-", "--mode", "move")
	if !strings.Contains(output, "NetworkPolicy p allows port 3000 and not 18080") {
		t.Errorf("output %s", output)
	}
}

// TestInjectAsksTheClusterForItsVersion runs an API server that forbids any other request.
func TestInjectAsksTheClusterForItsVersion(t *testing.T) {
	for version, code := range map[string]int{"v1.28.15": exitProblems, "v1.29.0": exitOK} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodGet {
				t.Errorf("it asks for %s %s", r.Method, r.URL)
			}
			w.Header().Set("Content-Type", "application/json")
			if r.URL.Path != "/version" {
				w.WriteHeader(http.StatusForbidden)
				w.Write([]byte(forbidden))
				return
			}
			w.Write([]byte(`{"major":"1","minor":"x","gitVersion":"` + version + `"}`))
		}))
		defer server.Close()
		dir := t.TempDir()
		config := "apiVersion: v1\nkind: Config\nclusters: [{name: c, cluster: {server: " +
			"'" + server.URL + "'}}]\ncontexts: [{name: x, context: {cluster: c, user: " +
			"u}}]\nusers: [{name: u, user: {}}]\n"
		if err := os.WriteFile(filepath.Join(dir, "config"), []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
		_, output, got := child(t, dir, workload, "inject", "-f", "-", "--kubeconfig", "config",
			"--context", "x")
		if got != code ||
			code == exitProblems && !strings.Contains(output, version+" has no native sidecars") {
			t.Errorf("%s: exit code %d: %s", version, got, output)
		}
		_, output, got = child(t, dir, workload, "inject", "-f", "-", "--kubeconfig", "config",
			"--context", "none")
		if got != exitError || !strings.Contains(output, "none") {
			t.Errorf("a context that is not there: exit code %d: %s", got, output)
		}
	}
}

func TestVersionAndHelp(t *testing.T) {
	stdout, _, code := child(t, ".", "", "--version")
	if code != exitOK || !strings.HasPrefix(stdout, "lameduckctl ") {
		t.Errorf("exit code %d: %s", code, stdout)
	}
	stdout, _, code = child(t, ".", "", "inject", "--help")
	for _, want := range []string{"Exit codes: 0", "--shape", "--lb-delay", "--uninject",
		"lameduck.dev/inject=disabled"} {
		if code != exitOK || !strings.Contains(stdout, want) {
			t.Errorf("exit code %d, no %s in\n%s", code, want, stdout)
		}
	}
}
