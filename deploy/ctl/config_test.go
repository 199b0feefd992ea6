// Package ctl tests that the parts of lameduckctl and Lameduck itself agree.
package ctl

import (
	"encoding/json"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"lameduck/cmd/lameduck/config"
	"lameduck/deploy/ctl/inject"
	"lameduck/deploy/ctl/lint"
	"lameduck/deploy/ctl/mode"
)

// A setting is a variable with its value, as NAME=VALUE without the prefix, and whether Lameduck
// accepts it.
type setting struct {
	assignment string
	accepted   bool
}

// settings lists values that the three parsers once treated differently, and similar ones.
var settings = []setting{
	{"ADMIN=18081", true}, {"ADMIN=:18081", true}, {"ADMIN=localhost", false},
	{"ADMIN=:http", false},
	{"ADMIN=18082", false},
	{"STOP_SIGNAL=FOO", false}, {"STOP_SIGNAL=SIGKILL", false}, {"STOP_SIGNAL=SIGQUIT", true},
	{"STOP_SIGNAL=sigquit", true}, {"STOP_SIGNAL=SIGRTMIN+3", true}, {"STOP_SIGNAL=64", true}, {"STOP_SIGNAL=65", false},
	{"TUNNEL_SPREAD=0s", true}, {"TUNNEL_SPREAD=-1s", false}, {"TUNNEL_SPREAD=derived", true},
	{"TUNNEL_SPREAD=113s", false},
	{"APP_WAIT=25h", true}, {"APP_WAIT=25", false}, {"END_EVENT_STREAMS=1", true},
	{"END_EVENT_STREAMS=yes", false},
	{"KEEP_CLIENT=T", true}, {"HOLD_MAX=0s", false}, {"HOLD_MAX=112s", true},
	{"HOLD_MAX=113s", false},
	{"HOLD_MIN=", true},
	{"HOLD_MIN=112s", true}, {"HOLD_MIN=113s", false}, {"HOLD_MINIMUM=5s", false},
	{"SERVICE_HOST=10.0.0.1", true},
	{"HOLD_RISK=NaN", false}, {"HOLD_RISK=1e-2", true},
	{"MAX_CONNECTIONS=2147483648", false},
	{"MAX_CONNECTIONS=+1", true},
	{"LOG_LEVEL=DEBUG", true}, {"LOG_LEVEL=fatal", false}, {"FALLBACK=app:080", false},
	{"FALLBACK=app:80,app:81", false},
	{"FALLBACK=127.0.0.1:18080", false}, {"PROBE_PATHS=a", false}, {"PROBE_AGENTS=", true},
	{"TERMINATION_LOG=", true},
	{"ROUTES=18080=8080;proto=udp", false}, {"ROUTES=18080=8080; proxy", true},
	{"ROUTES=18081=8080", false}, {"ROUTES=18080:8080", false},
	{"GRACE_PERIOD=8s", false}, {"GRACE_PERIOD=2m", true}, {"APP_STOP=2m", false},
	{"CONTROL=0.0.0.0:1", false}, {"TLS_CERT=/c", false},
}

func TestTheyAcceptTheSame(t *testing.T) {
	for _, s := range settings {
		env := parse(s.assignment)
		if got := lameduckAccepts(env); got != s.accepted {
			t.Errorf("lameduck accepts %s: %v, want %v", s.assignment, got, s.accepted)
		}
		wantAgreement(t, env)
	}
}

// FuzzTheyAcceptTheSame sets two variables to arbitrary values.
func FuzzTheyAcceptTheSame(f *testing.F) {
	for i, s := range settings {
		f.Add(s.assignment, settings[(i*7)%len(settings)].assignment)
	}
	for _, v := range config.Variables() {
		f.Add(strings.TrimPrefix(v.Name, config.Prefix)+"="+v.Default, "")
	}
	f.Fuzz(func(t *testing.T, first, second string) {
		env := parse(first)
		maps.Copy(env, parse(second))
		for name, value := range env {
			if !utf8.ValidString(name+value) || strings.Contains(value, "$(") ||
				strings.ContainsFunc(name+value, unicode.IsControl) {
				t.Skip("no environment of a manifest, or one that is known to the kubelet alone")
			}
		}
		wantAgreement(t, env)
	})
}

// parse returns the environment with one variable.
func parse(assignment string) map[string]string {
	name, value, ok := strings.Cut(assignment, "=")
	if !ok || name == "" {
		return map[string]string{}
	}
	return map[string]string{config.Prefix + name: value}
}

func wantAgreement(t *testing.T, env map[string]string) {
	t.Helper()
	want := lameduckAccepts(env)
	if got := lintAccepts(t, env); got != want {
		t.Errorf("lint accepts %v: %v, and lameduck: %v", env, got, want)
	}
	if !injectSets(env) {
		return
	}
	template, err := injected(env)
	if got := err == nil; got != want {
		t.Errorf("inject accepts %v: %v, and lameduck: %v (%v)", env, got, want, err)
	}
	if err != nil {
		return
	}
	sidecar := template.Spec.InitContainers[0]
	for name, value := range env {
		if !slices.Contains(sidecar.Env, corev1.EnvVar{Name: name, Value: value}) {
			t.Errorf("inject has not set %s=%s", name, value)
		}
	}
}

// surroundings is the rest of the environment. It has one route, and 112 s to hold.
func surroundings(env map[string]string) map[string]string {
	all := map[string]string{"LAMEDUCK_ROUTES": "18080=8080", "LAMEDUCK_GRACE_PERIOD": "120s"}
	maps.Copy(all, env)
	return all
}

func lameduckAccepts(env map[string]string) bool {
	_, err := config.Parse(surroundings(env))
	return err == nil
}

// injectSets reports whether variables can be set by inject's option env, which refuses those that
// inject sets and splits at white space.
func injectSets(env map[string]string) bool {
	for name, value := range env {
		switch name {
		case "LAMEDUCK_ROUTES", "LAMEDUCK_OBSERVE", "LAMEDUCK_OBSERVE_PROBES", "LAMEDUCK_GRACE_PERIOD",
			"LAMEDUCK_APP_STOP", "LAMEDUCK_ADMIN", "LAMEDUCK_CONTROL", "LAMEDUCK_HOST_IP",
			"LAMEDUCK_TLS_CERT", "LAMEDUCK_TLS_KEY", "LAMEDUCK_TLS_CLIENT_CA":
			return false
		}
		if strings.ContainsFunc(name+value, unicode.IsSpace) {
			return false
		}
	}
	return true
}

// injected returns the pod template after an inject with some variables.
func injected(env map[string]string) (*corev1.PodTemplateSpec, error) {
	s := inject.Defaults()
	s.Mode = mode.Move
	s.LBDelay, s.Silence, s.GracePeriod = 0, 0, 120e9
	for name, value := range env {
		if err := s.Set("env", name+"="+value); err != nil {
			return nil, err
		}
	}
	before := template(nil)
	plan, err := inject.Inject(inject.Workload{Kind: "Deployment", Template: before}, s)
	if err != nil {
		return nil, err
	}
	for _, op := range plan.Patch {
		containers, ok := op.Value.([]corev1.Container)
		if ok && strings.Contains(op.Path, "initContainers") {
			before.Spec.InitContainers = containers
		}
	}
	return before, nil
}

func template(env map[string]string) *corev1.PodTemplateSpec {
	always, grace := corev1.ContainerRestartPolicyAlways, int64(120)
	t := &corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "web"}},
		Spec: corev1.PodSpec{
			Containers: []corev1.Container{{
				Name: "app", Image: "app:1", Ports: []corev1.ContainerPort{{Name: "http",
					ContainerPort: 8080}},
			}},
		},
	}
	if env == nil {
		return t
	}
	t.Spec.TerminationGracePeriodSeconds = &grace
	sidecar := corev1.Container{Name: "lameduck", Image: "lameduck:1", RestartPolicy: &always}
	for _, name := range slices.Sorted(maps.Keys(env)) {
		sidecar.Env = append(sidecar.Env, corev1.EnvVar{Name: name, Value: env[name]})
	}
	t.Spec.InitContainers = []corev1.Container{sidecar}
	return t
}

// lintAccepts reports whether lint accepts the variables of a sidecar.
func lintAccepts(t *testing.T, env map[string]string) bool {
	t.Helper()
	d := appsv1.Deployment{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"},
		ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec:       appsv1.DeploymentSpec{Template: *template(surroundings(env))},
	}
	text, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	in := lint.NewInventory(lint.Options{})
	if err := in.ReadFiles([]string{"-"}, false, strings.NewReader(string(text))); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return !slices.ContainsFunc(in.Lint(), func(f lint.Finding) bool { return f.Rule == "setting-refused" })
}

// TestTheBinariesAcceptTheSame runs lameduck and lameduckctl. `lameduck drain` parses the
// configuration and then fails to connect to its control address.
func TestTheBinariesAcceptTheSame(t *testing.T) {
	lameduck, lameduckctl := build(t, "lameduck"), build(t, "lameduckctl")
	for _, s := range settings {
		env := parse(s.assignment)
		if _, set := env["LAMEDUCK_CONTROL"]; set {
			continue // the port may be in use
		}
		cmd := exec.CommandContext(t.Context(), lameduck, "drain")
		for name, value := range surroundings(env) {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
		cmd.Env = append(cmd.Env, "LAMEDUCK_CONTROL=127.0.0.1:1")
		output, _ := cmd.CombinedOutput()
		want := 1 // for the failed connection
		if !s.accepted {
			want = 2
		}
		if s.assignment == "ADMIN=18082" {
			want = 1 // the control address differs here, so there is no conflict
		}
		if got := cmd.ProcessState.ExitCode(); got != want {
			t.Errorf("lameduck with %s exits with %d, want %d:\n%s", s.assignment, got, want,
				output)
		}
		if !injectSets(env) {
			continue
		}
		for name, value := range env {
			cmd := exec.CommandContext(t.Context(), lameduckctl, "inject", "-f", "-", "--image",
				"registry.test/lameduck", "--lb-delay", "0s", "--silence", "0s", "--grace-period", "120s", "--env", name+"="+value)
			cmd.Stdin = strings.NewReader(deployment(t))
			output, _ := cmd.CombinedOutput()
			got := cmd.ProcessState.ExitCode()
			if (got == 0) != s.accepted || !s.accepted && !strings.Contains(string(output), name) {
				t.Errorf("lameduckctl inject with %s exits with %d:\n%s", s.assignment, got, output)
			}
		}
	}
}

func deployment(t *testing.T) string {
	t.Helper()
	text, err := json.Marshal(appsv1.Deployment{
		TypeMeta: metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"},
		Spec:     appsv1.DeploymentSpec{Template: *template(nil)},
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func build(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	output, err := exec.CommandContext(t.Context(), "go", "build", "-o", path,
		"lameduck/cmd/"+name).CombinedOutput()
	if err != nil {
		t.Fatalf("build %s: %v\n%s", name, err, output)
	}
	return path
}
