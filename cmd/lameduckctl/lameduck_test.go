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
		t.Errorf("%d configurations", len(asked))
	}
}

// TestLameduckAcceptsTheRulesThatInjectWrites runs the init container of mode redirect as on the
// network of a node, where it makes no rules. Arguments that it cannot read are a usage error.
func TestLameduckAcceptsTheRulesThatInjectWrites(t *testing.T) {
	binary := deploytest.Build(t, "lameduck/cmd/lameduck")
	found := false
	for _, s := range samples(t) {
		stdout, _, _ := s.inject(t, s.text)
		for _, c := range containers(t, stdout) {
			if !isRedirect(c) {
				continue
			}
			found = true
			cmd := exec.CommandContext(t.Context(), binary, c.Args...)
			cmd.Env = []string{"LAMEDUCK_POD_IP=192.0.2.1", "LAMEDUCK_HOST_IP=192.0.2.1"}
			if output, _ := cmd.CombinedOutput(); !strings.Contains(string(output), "hostNetwork") {
				t.Errorf("%s: with %v the output is %s", s.name, c.Args, output)
			}
		}
	}
	if !found {
		t.Error("no workload is redirected")
	}
}

func isRedirect(c corev1.Container) bool { return len(c.Args) > 0 && c.Args[0] == "redirect" }

// environments returns the environment of every container that runs Lameduck with a configuration.
func environments(t *testing.T, text string) (all [][]string) {
	t.Helper()
	for _, c := range containers(t, text) {
		if env := environment(c); len(env) > 0 && !isRedirect(c) {
			all = append(all, env)
		}
	}
	return all
}

// containers returns those of all workloads.
func containers(t *testing.T, text string) (all []corev1.Container) {
	t.Helper()
	file, err := manifest.Parse("f", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range file.Objects() {
		w, err := o.Workload()
		if err != nil {
			t.Fatal(err)
		}
		if w == nil {
			continue
		}
		all = append(append(all, w.Template.Spec.InitContainers...), w.Template.Spec.Containers...)
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
