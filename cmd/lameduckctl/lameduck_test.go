package main

import (
	"os/exec"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"lameduck/deploy/ctl/manifest"
	"lameduck/deploy/deploytest"
)

// TestLameduckAcceptsWhatInjectWrites runs `lameduck drain` with the injected environment. An
// invalid configuration is a usage error; with a valid one, the command fails to connect to its
// control address.
func TestLameduckAcceptsWhatInjectWrites(t *testing.T) {
	binary := deploytest.Build(t, "lameduck/cmd/lameduck")
	asked := make(map[string]bool)
	for _, s := range samples(t) {
		stdout, _, _ := s.inject(t, s.text)
		for _, env := range environments(t, stdout) {
			if key := strings.Join(env, " "); asked[key] {
				continue
			} else {
				asked[key] = true
			}
			cmd := exec.CommandContext(t.Context(), binary, "drain")
			cmd.Env = append(env, "LAMEDUCK_CONTROL=127.0.0.1:9") // nothing listens on the discard port
			output, _ := cmd.CombinedOutput()
			if !strings.Contains(string(output), "is lameduck running") {
				t.Errorf("%s: with %v the output is %s", s.name, env, output)
			}
		}
	}
	if len(asked) < 10 {
		t.Errorf("there are %d configurations", len(asked))
	}
}

// environments returns the environment of every container that runs Lameduck.
func environments(t *testing.T, text string) [][]string {
	t.Helper()
	file, err := manifest.Parse("f", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var all [][]string
	for _, o := range file.Objects() {
		w, err := o.Workload()
		if err != nil {
			t.Fatal(err)
		}
		if w == nil {
			continue
		}
		for _, c := range append(w.Template.Spec.InitContainers, w.Template.Spec.Containers...) {
			if env := environment(c); len(env) > 0 {
				all = append(all, env)
			}
		}
	}
	return all
}

func environment(c corev1.Container) []string {
	var env []string
	for _, v := range c.Env {
		if strings.HasPrefix(v.Name, "LAMEDUCK_") {
			env = append(env, v.Name+"="+v.Value)
		}
	}
	return env
}
