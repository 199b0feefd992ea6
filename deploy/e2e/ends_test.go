//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"lameduck/deploy/deploytest"
)

const budget = `
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: { name: app }
spec:
  maxUnavailable: 1
  selector: { matchLabels: { app: app } }
`

// evict requests the eviction of a pod, like kubectl drain and the cluster autoscaler.
func (s *stage) evict(ctx context.Context, pod string) error {
	_, err := tryKubectl(ctx, fmt.Sprintf(`{"apiVersion":"policy/v1","kind":"Eviction","metadata":{"name":%q,"namespace":%q}}`, pod, s.namespace),
		"create", "--raw", "/api/v1/namespaces/"+s.namespace+"/pods/"+pod+"/eviction", "-f", "-")
	return err
}

func Test5EvictionLosesNothingAndKeepsTheBudget(t *testing.T) {
	s := newStage(t)
	s.deploy(t, team{shape: "native", replicas: 3, app: restricted})
	s.apply(t, budget)
	in := s.startIngress(t, ingressConfig{lag: 5 * time.Second}, 3)
	l := in.startLoad(t, rate, everyKind...)
	pause(t, settling)
	old := s.pods.alive()
	refused := 0
	for _, pod := range old {
		deploytest.Await(t, waitTimeout, "the eviction of "+pod, func() error {
			err := s.evict(t.Context(), pod)
			if err != nil {
				refused++
			}
			return err
		})
	}
	var ended []podLife
	for _, pod := range old {
		ended = append(ended, s.pods.awaitGone(t, waitTimeout, pod))
	}
	expectNoneLost(t, l.end(t))
	t.Logf("evictions were refused %d times", refused)
	if refused == 0 {
		t.Error("the PodDisruptionBudget allowed all evictions at once")
	}
	for _, life := range ended {
		expectDrained(t, life, 5*time.Second)
	}
}

func Test5ANodesDrainDrainsItsPods(t *testing.T) {
	s := newStage(t)
	mark := fmt.Sprintf(`{ op: add, path: /spec/template/metadata/labels/drained, value: %s }`,
		s.namespace)
	s.deploy(t, team{shape: "native", replicas: 2, app: restricted, patches: []string{mark}})
	pause(t, settling)
	old := s.pods.alive()
	node := s.pods.life(old[0]).last.Spec.NodeName
	t.Cleanup(func() {
		if _, err := tryKubectl(context.Background(), "", "uncordon", node); err != nil {
			t.Error(err)
		}
	})
	// Drain only these pods, as the node may have others.
	kubectl(t, "drain", node, "--pod-selector", "drained="+s.namespace, "--ignore-daemonsets",
		"--delete-emptydir-data", "--timeout", waitTimeout.String())
	for _, pod := range old {
		if l := s.pods.life(pod); l.last.Spec.NodeName == node {
			l = s.pods.awaitGone(t, waitTimeout, pod)
			expectSignalledAfter(t, l, expectQuiet(t, l))
		}
	}
}

func Test5ScaleDownToNothing(t *testing.T) {
	for _, shape := range shapes {
		t.Run(shape, func(t *testing.T) {
			s := newStage(t)
			s.deploy(t, team{shape: shape, replicas: 2, app: restricted})
			pause(t, settling)
			old := s.pods.alive()
			s.kubectl(t, "scale", "deployment/app", "--replicas=0")
			for _, pod := range old {
				l := s.pods.awaitGone(t, waitTimeout, pod)
				expectSignalledAfter(t, l, expectQuiet(t, l))
			}
			s.expectNoHookFailed(t)
		})
	}
}

const job = `
apiVersion: batch/v1
kind: Job
metadata: { name: job }
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      initContainers:
        - name: lameduck
          image: ` + duckImage + `
          restartPolicy: Always
          startupProbe: { httpGet: { path: /readyz, port: 18081 }, periodSeconds: 1 }
          lifecycle: { preStop: { exec: { command: [/lameduck, drain, --native] } } }
      containers:
        - name: app
          image: ` + appImage + `
          args: [-end-after=5s]
          lifecycle: { preStop: { httpGet: { path: /hold, port: 18081 } } }
`

func Test5AJobWithANativeSidecarCompletes(t *testing.T) {
	s := newStage(t)
	s.apply(t, job)
	began := time.Now()
	deploytest.Await(t, waitTimeout, "the job's completion", func() error {
		if j := get[batchv1.Job](t, "job", "job", "-n", s.namespace); j.Status.Succeeded != 1 {
			return fmt.Errorf("%+v", j.Status)
		}
		return nil
	})
	t.Logf("the job, which takes 5 s, was complete after %.1f s", time.Since(began).Seconds())
	pods := get[corev1.PodList](t, "pods", "-n", s.namespace)
	if phase := pods.Items[0].Status.Phase; phase != corev1.PodSucceeded {
		t.Errorf("the pod has %s", phase)
	}
}

func Test5AStatefulSetsRollingUpdateDrainsEachReplica(t *testing.T) {
	s := newStage(t)
	s.deploy(t, team{shape: "native", replicas: 2, app: restricted, stateful: true})
	in := s.startIngress(t, ingressConfig{lag: 2 * time.Second}, 2)
	l := in.startLoad(t, rate, everyKind...)
	pause(t, settling)
	s.kubectl(t, "rollout", "restart", "statefulset/app")
	s.kubectl(t, "rollout", "status", "statefulset/app", "--timeout", waitTimeout.String())
	in.awaitEndpoints(t, 2)
	expectNoneLost(t, l.end(t))
	ended := s.pods.ended()
	if len(ended) != 2 {
		t.Errorf("%d pods have ended", len(ended))
	}
	for _, life := range ended {
		expectDrained(t, life, 2*time.Second)
	}
}

func Test5APodThatIsDeletedWhileItStartsIsGoneSoon(t *testing.T) {
	for _, shape := range shapes {
		t.Run(shape, func(t *testing.T) {
			s := newStage(t)
			s.applyTeam(t, team{shape: shape, command: []string{"/app", "-start-after=60s"},
				app: restricted})
			var pod string
			deploytest.Await(t, waitTimeout, "the app's start", func() error {
				for _, l := range s.pods.all() {
					if l.container("app").State.Running != nil {
						pod = l.name
						return nil
					}
				}
				return fmt.Errorf("not begun yet")
			})
			s.kubectl(t, "delete", "deployment", "app", "--wait=false")
			l := s.pods.awaitGone(t, waitTimeout, pod)
			took := l.gone.Sub(l.deleted)
			t.Logf("gone after %.1f s: %s", took.Seconds(), l.drain())
			// It has had no requests, so this is the shortest hold. A kubelet that is still
			// starting a pod needs time to stop it.
			if most := 5*time.Second + 5*time.Second + slack; took > most {
				t.Errorf("the pod was there for %v, more than %v: %q", took, most,
					strings.Join(l.log, "\n"))
			}
		})
	}
}
