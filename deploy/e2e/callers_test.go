//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// afterLast is the longest time from the last request to a pod until the pod is gone: the quiet
// time of 5 s, the time of the decision, the app's stop, and the kubelet's work.
const afterLast = 10 * time.Second

// rhythm is the time in which the pods observe the rhythm of their callers.
const rhythm = time.Minute

// Each caller is a pod with an address of its own, so every caller is a source. Each pod observes a
// caller every ten seconds, and kube-proxy is the only load balancer.
func Test11APodIsGoneSoonAfterTheLastOfThirtyCallers(t *testing.T) {
	for name, flags := range map[string]string{"new connections": "", "kept connections": ", -keep"} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			s.deploy(t, team{shape: "native", replicas: 3, app: restricted})
			callers := newStage(t)
			callers.startCallers(t, 30, s.service(t), flags)
			pause(t, rhythm)
			ended := s.restart(t, waitTimeout)
			callers.expectNoCallLost(t, 30)
			for _, l := range ended {
				expectSignalledAfter(t, l, expectQuiet(t, l))
				l.expectGoneWithin(t, afterLast)
			}
			s.expectNoHookFailed(t)
		})
	}
}

// expectGoneWithin checks how long after its last request a pod was gone.
func (l podLife) expectGoneWithin(t *testing.T, most time.Duration) {
	t.Helper()
	d := l.drain()
	after := l.gone.Sub(d.begun.Add(d.last))
	t.Logf("%s was gone %.1f s after its last request", l.name, after.Seconds())
	if after > most {
		t.Errorf("%s was gone %v after its last request, more than %v: %q", l.name, after, most, l.log)
	}
}

// startCallers starts pods that send a request to an address every three to four seconds each, and
// returns when all of them run.
func (s *stage) startCallers(t *testing.T, n int, addr, flags string) {
	t.Helper()
	s.apply(t, fmt.Sprintf(`
apiVersion: apps/v1
kind: Deployment
metadata: { name: callers }
spec:
  replicas: %d
  selector: { matchLabels: { app: callers } }
  template:
    metadata: { labels: { app: callers } }
    spec:
      automountServiceAccountToken: false
      terminationGracePeriodSeconds: 1
      containers:
        - name: app
          image: %s
          command: [/app, -call, "%s"%s]
          ports: [{ name: http, containerPort: 8080 }]
          %s
`, n, appImage, addr, flags, indent(10, restricted)))
	s.kubectl(t, "rollout", "status", "deployment/callers", "--timeout", waitTimeout.String())
}

// expectNoCallLost ends the requests of the callers and checks that each was answered.
func (s *stage) expectNoCallLost(t *testing.T, callers int) {
	t.Helper()
	pods := get[corev1.PodList](t, "pods", "-n", s.namespace, "-l", "app=callers").Items
	if len(pods) != callers {
		t.Errorf("%d callers, want %d", len(pods), callers)
	}
	requests, lost := 0, 0
	for _, pod := range pods {
		r := s.endCalls(t, pod)
		requests += r.Requests
		lost += len(r.Failures)
		for _, f := range r.Failures {
			t.Errorf("lost: %s", f)
		}
	}
	t.Logf("%d requests of %d callers, %d lost", requests, callers, lost)
	if requests < callers {
		t.Error("there was hardly a request")
	}
}

// calls is the report of a caller.
type calls struct {
	Requests int
	Failures []string
}

func (s *stage) endCalls(t *testing.T, pod corev1.Pod) (r calls) {
	t.Helper()
	url := fmt.Sprintf("http://%s:8080/calls", pod.Status.PodIP)
	status, text, err := call(t.Context(), http.MethodGet, url)
	if err == nil {
		err = json.Unmarshal([]byte(text), &r)
	}
	if err != nil || status != http.StatusOK {
		t.Errorf("the calls of %s: status %d, %v", pod.Name, status, err)
	}
	return r
}
