package main

import (
	"os/exec"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"lameduck/deploy/ctl/manifest"
	"lameduck/deploy/deploytest"
)

// TestLameduckTakesWhatIsInjected asks the program itself: a configuration that it refuses is a
// usage error, and one that it takes lets it look for the Lameduck to drain, which is not there.
func TestLameduckTakesWhatIsInjected(t *testing.T) {
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
			cmd.Env = append(env, "LAMEDUCK_CONTROL=127.0.0.1:9") // nobody is at the port of discard
			if said, _ := cmd.CombinedOutput(); !strings.Contains(string(said), "is lameduck running") {
				t.Errorf("%s: with %v lameduck says %s", s.name, env, said)
			}
		}
	}
	if len(asked) < 10 {
		t.Errorf("there are %d configurations", len(asked))
	}
}

// environments returns those of the containers that Lameduck runs in.
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
