//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"lameduck/deploy/deploytest"
)

// An interruption is Ctrl-C in one phase of a measurement.
type interruption struct {
	args []string
	// reached returns an error until the phase has been reached.
	reached func(s *stage, t *testing.T) error
	// says is in the output.
	says string
	// undo is a command in the output that restores the rest.
	undo *regexp.Regexp
}

var interruptions = map[string]interruption{
	"the calm phase": {
		args: []string{"--calm", "1h"}, reached: (*stage).untouched, says: "The load was interrupted",
	},
	"a restart": {
		args: []string{"--calm", "1s"}, reached: (*stage).terminating,
		says: "The restart of deployment/app continues by itself",
		undo: regexp.MustCompile(`kubectl (-n \S+ rollout undo deployment/app)`),
	},
	"a deletion": {
		args: []string{"--calm", "1s", "--delete-pod", "2"}, reached: (*stage).terminating,
		says: "1 pod of deployment/app was deleted",
	},
	"a change of scale": {
		args: []string{"--calm", "1s", "--scale", "1"}, reached: (*stage).terminating,
		says: "deployment/app was scaled back to 2 replicas",
	},
}

// Test16CtrlCLeavesTheClusterAsItWas interrupts measure in each phase.
func Test16CtrlCLeavesTheClusterAsItWas(t *testing.T) {
	s := newStage(t)
	// The app serves on after its signal, so that the phases last.
	s.deploy(t, team{replicas: 2, app: `args: ["-stop-after=5s"]` + "\n" + strings.TrimSpace(restricted)})
	url := "http://" + get[corev1.Service](t, "service", "app", "-n", s.namespace).Spec.ClusterIP + "/"
	pause(t, settling)
	objects, spec := s.objects(t), s.spec(t)
	for name, i := range interruptions {
		t.Run(name, func(t *testing.T) {
			c := startCtl(t, append([]string{"measure", url, "--deployment", "app", "-n", s.namespace, "--context",
				currentContext(t), "--max-lost=-1"}, i.args...)...)
			deploytest.Await(t, waitTimeout, name, func() error { return i.reached(s, t) })
			c.interrupt(t)
			stdout, stderr, code := c.wait(t)
			if code != 0 || !strings.Contains(stdout, i.says) {
				t.Errorf("exit code %d, the output lacks %q:\n%s%s", code, i.says, stdout, stderr)
			}
			if i.undo != nil {
				if m := i.undo.FindStringSubmatch(stdout); m != nil {
					kubectl(t, strings.Fields(m[1])...)
				} else {
					t.Errorf("the output lacks %s:\n%s", i.undo, stdout)
				}
			}
			s.kubectl(t, "rollout", "status", "deployment/app", "--timeout", waitTimeout.String())
			if got := s.spec(t); got != spec {
				t.Errorf("the Deployment was\n%s\nand is\n%s", spec, got)
			}
			if got := s.objects(t); got != objects {
				t.Errorf("there were\n%s\nand now\n%s", objects, got)
			}
			deploytest.Await(t, waitTimeout, "two pods", s.two)
		})
	}
}

// untouched returns nil after the time that a measurement would need to change something.
func (s *stage) untouched(t *testing.T) error {
	pause(t, 3*time.Second) // there is no event to wait for
	return nil
}

// terminating returns an error until a pod is terminating.
func (s *stage) terminating(*testing.T) error {
	for _, l := range s.pods.all() {
		if !l.deleted.IsZero() && l.gone.IsZero() {
			return nil
		}
	}
	return fmt.Errorf("no pod is terminating")
}

// two returns an error until there are two pods, and none is terminating.
func (s *stage) two() error {
	if n := len(s.pods.alive()); n != 2 || s.terminating(nil) == nil {
		return fmt.Errorf("%d pods are ready", n)
	}
	return nil
}

// spec returns the specification of the Deployment.
func (s *stage) spec(t *testing.T) string {
	t.Helper()
	text, err := json.Marshal(get[appsv1.Deployment](t, "deployment", "app", "-n", s.namespace).Spec)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// objects returns the names of what a measurement could leave behind. ReplicaSets are the history
// of the Deployment.
func (s *stage) objects(t *testing.T) string {
	t.Helper()
	return s.kubectl(t, "get", "-o", "name",
		"deployments,services,configmaps,secrets,serviceaccounts,roles,rolebindings,jobs,cronjobs,networkpolicies")
}

// A user who may read the Deployment and its pods, and nothing else, gets an error that names what
// is missing.
func Test16RightsThatAreMissingAreNamed(t *testing.T) {
	s := newStage(t)
	s.deploy(t, team{app: restricted})
	s.kubectl(t, "create", "serviceaccount", "reader")
	s.kubectl(t, "create", "role", "reader", "--verb=get,list,watch", "--resource=deployments.apps,pods")
	s.kubectl(t, "create", "rolebinding", "reader", "--role=reader", "--serviceaccount="+s.namespace+":reader")
	spec := s.spec(t)
	url := "http://" + get[corev1.Service](t, "service", "app", "-n", s.namespace).Spec.ClusterIP + "/"
	path := s.kubeconfigOf(t, "reader")
	for action, want := range map[string]string{
		"--calm=1s": "patch deployments.apps app", "--delete-pod=1": "delete pods",
		"--scale=2": "patch deployments/scale.apps app", "--watch-only": "watch endpointslices.discovery.k8s.io",
	} {
		stdout, stderr, code := startCtl(t, "measure", url, "--deployment", "app", "-n", s.namespace,
			"--kubeconfig", path, "--context", "reader", action).wait(t)
		if code != 2 || !strings.Contains(stderr, want) || strings.Contains(stderr, "list pods") {
			t.Errorf("%s: exit code %d, want %q:\n%s%s", action, code, want, stdout, stderr)
		}
	}
	_, stderr, code := startCtl(t, "measure", url, "--deployment", "app", "-n", s.namespace).wait(t)
	if code != 2 || !strings.Contains(stderr, "--context "+currentContext(t)) {
		t.Errorf("a context that is not named: exit code %d: %s", code, stderr)
	}
	if got := s.spec(t); got != spec {
		t.Errorf("the Deployment was\n%s\nand is\n%s", spec, got)
	}
}

// kubeconfigOf returns the path of a kubeconfig for a service account of the namespace, with a
// context of the same name.
func (s *stage) kubeconfigOf(t *testing.T, account string) string {
	t.Helper()
	var c struct {
		Clusters []map[string]any `json:"clusters"`
	}
	if err := json.Unmarshal([]byte(kubectl(t, "config", "view", "--minify", "--raw", "-o", "json")), &c); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(map[string]any{
		"apiVersion": "v1", "kind": "Config", "clusters": c.Clusters,
		"users": []any{map[string]any{"name": account, "user": map[string]any{
			"token": strings.TrimSpace(s.kubectl(t, "create", "token", account))}}},
		"contexts": []any{map[string]any{"name": account, "context": map[string]any{
			"cluster": c.Clusters[0]["name"], "user": account}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	path := t.TempDir() + "/kubeconfig"
	deploytest.WriteFile(t, path, string(text))
	return path
}
