package main

import (
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	corev1 "k8s.io/api/core/v1"
)

// withPassword is a registry that only one user may read.
type withPassword struct{ http.Handler }

func (h *withPassword) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if user, password, _ := r.BasicAuth(); r.Method == http.MethodGet && (user != "tim" || password != "horse") {
		w.Header().Set("WWW-Authenticate", "Basic")
		http.Error(w, password+" is wrong", http.StatusUnauthorized)
		return
	}
	h.Handler.ServeHTTP(w, r)
}

// startRegistry starts one with the image app:1 and returns its host.
func startRegistry(t *testing.T) string {
	t.Helper()
	open := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(&withPassword{open})
	t.Cleanup(server.Close)
	where := server.Listener.Addr().String()
	image, err := mutate.Config(empty.Image, v1.Config{
		Entrypoint: []string{"/entry", "$HOME"}, Cmd: []string{"serve"}, StopSignal: "SIGQUIT",
	})
	if err != nil {
		t.Fatal(err)
	}
	inner := httptest.NewServer(open) // without a password
	defer inner.Close()
	pushed, err := name.ParseReference(inner.Listener.Addr().String() + "/app:1")
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(pushed, image); err != nil {
		t.Fatal(err)
	}
	return where
}

// login writes a Docker configuration for the registry.
func login(t *testing.T, where string) {
	t.Helper()
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("DOCKER_CONFIG", filepath.Join(home, ".docker"))
	if err := os.Mkdir(filepath.Join(home, ".docker"), 0o700); err != nil {
		t.Fatal(err)
	}
	text := `{"auths": {"` + where + `": {"username": "tim", "password": "horse"}}}`
	if err := os.WriteFile(filepath.Join(home, ".docker", "config.json"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

const withoutCommand = `apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  template:
    spec:
      containers:
        - name: web
          image: HOST/app:1 # of ours
          ports: [{ containerPort: 8080 }]
`

func TestInjectAsksForTheEntrypoint(t *testing.T) {
	where := startRegistry(t)
	login(t, where)
	for _, line := range []string{"", "          command: []\n", "          args: [run, \"$(POD)\"]\n"} {
		text := strings.Replace(withoutCommand, "HOST", where, 1) + line
		stdout, stderr, code := ctl(t, text, "inject", "-f", "-", "--shape", "wrapper",
			"--entrypoint-registries", "ghcr.io,"+where, "--entrypoint-timeout", "1m")
		all := containers(t, stdout)
		app := all[slices.IndexFunc(all, func(c corev1.Container) bool { return c.Name == "web" })]
		want := "/lameduck/lameduck exec -- /entry $$HOME serve"
		if strings.Contains(line, "args") {
			want = "/lameduck/lameduck exec -- /entry $$HOME"
		}
		if code != exitOK || strings.Join(app.Command, " ") != want {
			t.Errorf("%s: exit code %d, the command is %q, the output is %s", line, code, app.Command, stderr)
		}
		if !strings.Contains(stderr, "injected, mode takeover: shape wrapper, with the entrypoint of the image sha256:") ||
			!strings.Contains(stdout, "SIGQUIT") || strings.Contains(stdout+stderr, "horse") {
			t.Errorf("%s: the output is %s%s", line, stdout, stderr)
		}
		if back, _, _ := ctl(t, stdout, "inject", "-f", "-", "--uninject"); back != text {
			t.Errorf("uninject gives back %s, want %s", back, text)
		}
		if again, _, _ := ctl(t, stdout, "inject", "-f", "-", "--shape", "wrapper"); again != stdout {
			t.Errorf("the second time it writes %s, want %s", again, stdout)
		}
	}
}

// listenSilently returns the address of a registry that does not answer.
func listenSilently(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	return ln.Addr().String()
}

// A workload that is observed is protected, so the exit code is 0. The summary has the reason.
func TestInjectObservesAnAppWithAnUnknownImage(t *testing.T) {
	where, silent := startRegistry(t), listenSilently(t)
	for flags, want := range map[string]string{
		"": "no registry may be asked for the entrypoint of the image; for more: add the command that the image runs, " +
			"or allow the registry with --entrypoint-registries",
		"--entrypoint-registries ghcr.io": "registry " + where + " is not one of --entrypoint-registries",
		"--entrypoint-registries " + where + " --entrypoint-timeout 1m": "registry " + where +
			" denies access to the image; for more: add the command",
		"--entrypoint-registries " + silent + " --entrypoint-timeout 1ms": "registry " + silent + " did not answer within 1ms",
	} {
		host := where
		if strings.Contains(flags, silent) {
			host = silent
		}
		text := strings.Replace(withoutCommand, "HOST", host, 1)
		t.Setenv("HOME", t.TempDir()) // without credentials
		stdout, stderr, code := ctl(t, text, append([]string{"inject", "-f", "-", "--shape", "wrapper"},
			strings.Fields(flags)...)...)
		if code != exitOK || !strings.Contains(stderr, "injected, mode observe: shape wrapper was chosen, but ") ||
			!strings.Contains(stderr, want) || !strings.Contains(stdout, "LAMEDUCK_OBSERVE") {
			t.Errorf("%s: exit code %d, the output is %s, want %s", flags, code, stderr, want)
		}
	}
}

func TestFlagsForRegistriesAreChecked(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"inject -f x --entrypoint-registries https://ghcr.io": "must be hosts of registries",
		"inject -f - --entrypoint-timeout 1h":                 "--entrypoint-timeout: must be a duration of at most 1m",
		"webhook --namespace=a --tls-cert=x --tls-key=x --shape=plain --entrypoint-secrets=a": "--entrypoint-secrets: needs " +
			"--entrypoint-registries",
		"webhook --entrypoint-secrets=A_ --entrypoint-registries=all": "must be names of Secrets",
		"webhook --namespace=a --tls-cert=x --tls-key=x --shape=plain --entrypoint-secrets=a --entrypoint-registries=all": "" +
			"--entrypoint-secrets: unable to load in-cluster configuration",
	} {
		if _, stderr, code := ctl(t, "", strings.Fields(args)...); code != exitError || !strings.Contains(stderr, want) {
			t.Errorf("%s: exit code %d, the output is %s, want %s", args, code, stderr, want)
		}
	}
}
