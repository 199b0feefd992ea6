//go:build e2e

package e2e

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"lameduck/deploy/ctl/measure"
	"lameduck/deploy/deploytest"
)

// A user with exactly the rights that the documentation names measures a ClusterIP Service from
// within the cluster, in a namespace of the level `restricted`. Nothing is left behind.
func Test16MeasureRunsTheLoadInTheCluster(t *testing.T) {
	s := newStage(t, "pod-security.kubernetes.io/enforce=restricted")
	s.deploy(t, team{replicas: 2, app: restricted})
	s.apply(t, measuringRole)
	s.kubectl(t, "create", "rolebinding", "measuring", "--role=measuring", "--serviceaccount="+s.namespace+":measuring")
	url := "http://" + get[corev1.Service](t, "service", "app", "-n", s.namespace).Spec.ClusterIP + "/"
	pause(t, settling)
	objects := s.objects(t)
	path := filepath.Join(t.TempDir(), "report.json")
	args := []string{"measure", url, "--in-cluster", "--image", ctlImage, "-n", s.namespace, "--kubeconfig",
		s.kubeconfigOf(t, "measuring"), "--context", "measuring", "--post", "--body", "order", "-H", "X-Key: s3cret",
		"--pod-header", "X-Pod", "--max-lost=-1", "--json", path}

	began := s.measureInCluster(t, append(args, "--deployment", "app", "--rate", "40"))
	r, err := measure.ReadReport(path)
	if err != nil {
		t.Fatal(err)
	}
	if r.Ended != "rollout" || !r.Rollout.Complete || r.Requests < 100 || len(r.Pods) < 2 || len(r.Lanes) != 4 {
		t.Errorf("it ended by %s with %d requests to %d pods, rollout %+v", r.Ended, r.Requests, len(r.Pods), r.Rollout)
	}
	s.expectSameObjects(t, objects, began)

	s.measureInCluster(t, append(args, "--for", "3s"))
	if r, err = measure.ReadReport(path); err != nil || r.Ended != "time" || r.Requests < 30 {
		t.Errorf("%v, %+v", err, r)
	}
	s.expectSameObjects(t, objects, nil)

	c := startCtl(t, append(args, "--for", "1h")...)
	deploytest.Await(t, waitTimeout, "the pod with the load", func() error {
		if s.kubectl(t, "get", "pods", "-l", "app.kubernetes.io/component=measure", "-o",
			"jsonpath={.items[*].status.phase}") != "Running" {
			return fmt.Errorf("it does not run")
		}
		return nil
	})
	c.interrupt(t)
	if stdout, stderr, code := c.wait(t); code != 0 || !strings.Contains(stdout, "The load was interrupted") {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
	s.expectSameObjects(t, objects, nil)
}

// measureInCluster runs a measurement and returns the names of the pods that were there before.
func (s *stage) measureInCluster(t *testing.T, args []string) []string {
	t.Helper()
	before := s.pods.alive()
	stdout, stderr, code := startCtl(t, args...).wait(t)
	t.Logf("exit code %d\n%s%s", code, stdout, stderr)
	if code != 0 || strings.Contains(stdout+stderr, "s3cret") {
		t.Errorf("exit code %d, or the output has a secret", code)
	}
	return before
}

// expectSameObjects checks that no object of a load is left, and that the given pods were replaced.
func (s *stage) expectSameObjects(t *testing.T, objects string, replaced []string) {
	t.Helper()
	deploytest.Await(t, waitTimeout, "the objects of the load to be gone", func() error {
		if got := s.objects(t); got != objects {
			return fmt.Errorf("there were\n%s\nand now\n%s", objects, got)
		}
		if got := s.kubectl(t, "get", "pods", "-l", "app.kubernetes.io/component=measure", "-o", "name"); got != "" {
			return fmt.Errorf("found %s", got)
		}
		return nil
	})
	for _, name := range replaced {
		if s.pods.life(name).gone.IsZero() {
			t.Errorf("%s was not replaced", name)
		}
	}
}

// measuringRole has the rights of docs/measure.md for a restart and --in-cluster.
const measuringRole = `
apiVersion: v1
kind: ServiceAccount
metadata: { name: measuring }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: { name: measuring }
rules:
  - { apiGroups: [apps], resources: [deployments], verbs: [get, patch], resourceNames: [app] }
  - { apiGroups: [""], resources: [pods], verbs: [list, watch] }
  - { apiGroups: [discovery.k8s.io], resources: [endpointslices], verbs: [list, watch] }
  - { apiGroups: [batch], resources: [jobs], verbs: [create, delete] }
  - { apiGroups: [""], resources: [pods/log], verbs: [get] }
  - { apiGroups: [""], resources: [secrets], verbs: [create] }
`
