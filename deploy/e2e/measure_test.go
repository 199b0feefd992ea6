//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"lameduck/deploy/ctl/measure"
	"lameduck/deploy/deploytest"
)

// lateBy is how late the ingress of the measurements removes a pod.
const lateBy = 5 * time.Second

// The same command measures a Deployment before and after its namespace got the label. Nothing else
// is changed. The results are kept in the directory E2E_REPORTS.
func Test16MeasureShowsWhatOneLabelIsWorth(t *testing.T) {
	installWebhook(t)
	s := newStage(t)
	s.deploy(t, team{replicas: 3, app: restricted})
	in := s.startIngress(t, ingressConfig{lag: lateBy}, 3)
	pause(t, settling)
	before := s.measure(t, in, "before")
	if before.Lost == 0 {
		t.Error("no request was lost without Lameduck, so the test proves nothing")
	}
	expectDelays(t, before)

	kubectl(t, "label", "namespace", s.namespace, enabled)
	s.restart(t, waitTimeout) // the new pods have Lameduck
	in.awaitEndpoints(t, 3)
	for _, pod := range get[corev1.PodList](t, "pods", "-n", s.namespace).Items {
		if !injected(pod) {
			t.Errorf("%s has no Lameduck", pod.Name)
		}
	}
	pause(t, settling)
	after := s.measure(t, in, "after")
	if after.Lost != 0 {
		t.Errorf("with Lameduck %d of %d are lost: %v", after.Lost, after.Requests, after.Causes)
	}
	expectDelays(t, after)
	for _, pod := range after.Rollout.Pods {
		if pod.T0 != nil && pod.DelayBound != "measured" {
			t.Errorf("%s: its delay is %s, although it has Lameduck", pod.Name, pod.DelayBound)
		}
	}
	keepDiff(t)
	s.expectNoHookFailed(t)
}

// measure restarts the Deployment under load through the first load balancer, which is HAProxy.
func (s *stage) measure(t *testing.T, in *ingress, name string) *measure.Report {
	t.Helper()
	path := filepath.Join(reports(t), name)
	stdout, stderr, code := startCtl(t, "measure", "http://"+in.fleets[0].Addrs()[0]+"/", "--post",
		"--deployment", "app", "-n", s.namespace, "--context", currentContext(t), "--pod-header", "X-Pod",
		"--rate", "40", "--max-failures", "1000", "--redact", "--quiet",
		"--json", path+".json", "--html", path+".html").wait(t)
	t.Logf("exit code %d\n%s%s", code, stdout, stderr)
	r, err := measure.ReadReport(path + ".json")
	if err != nil {
		t.Fatal(err)
	}
	if want := min(r.Lost, 1); code != want {
		t.Errorf("exit code %d with %d lost, want %d", code, r.Lost, want)
	}
	if r.Ended != "rollout" || r.Rollout == nil || !r.Rollout.Complete {
		t.Fatalf("it ended by %s before the rollout did", r.Ended)
	}
	deploytest.WriteFile(t, path+".txt", stdout)
	return r
}

// expectDelays checks the delay of the load balancer for each of the pods that ended. The watch of
// the test adds to the lag that it sets. Pods that end while the load balancer still routes to an
// earlier one give a lower bound, but the last one has a measured delay.
func expectDelays(t *testing.T, r *measure.Report) {
	t.Helper()
	ended, measured := 0, 0
	for _, pod := range r.Rollout.Pods {
		if pod.T0 == nil {
			continue
		}
		ended++
		if pod.Delay == nil {
			t.Errorf("%s: its delay is unknown", pod.Name)
			continue
		}
		off := time.Duration(*pod.Delay) - lateBy
		if pod.DelayBound == "measured" {
			measured++
		} else {
			off = max(off, 0)
		}
		if off.Abs() > 2*time.Second {
			t.Errorf("%s: its delay is %s %v, and the load balancer is late by %v", pod.Name, pod.DelayBound,
				time.Duration(*pod.Delay), lateBy)
		}
	}
	if ended != 3 || measured == 0 {
		t.Errorf("%d pods ended, want 3, and %d delays were measured", ended, measured)
	}
}

// reports returns the directory of the results.
func reports(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("E2E_REPORTS")
	if dir == "" {
		return t.TempDir()
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// keepDiff writes both results side by side, if E2E_REPORTS is set.
func keepDiff(t *testing.T) {
	t.Helper()
	dir := os.Getenv("E2E_REPORTS")
	if dir == "" {
		return
	}
	stdout, stderr, code := startCtl(t, "measure", "diff", filepath.Join(dir, "before.json"),
		filepath.Join(dir, "after.json")).wait(t)
	if code != 0 {
		t.Errorf("measure diff: exit code %d: %s", code, stderr)
	}
	deploytest.WriteFile(t, filepath.Join(dir, "diff.txt"), strings.ReplaceAll(stdout, dir+"/", ""))
}
