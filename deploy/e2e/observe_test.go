//go:build e2e

package e2e

import (
	"context"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"

	"lameduck/bench/load"
	"lameduck/deploy/deploytest"
)

// byNumber are references to the app's port that a port which moves would break.
const byNumber = `
apiVersion: v1
kind: Service
metadata: { name: by-number }
spec: { selector: { app: app }, ports: [{ port: 80, targetPort: 8080 }] }
---
apiVersion: v1
kind: Service
metadata: { name: without-target }
spec: { selector: { app: app }, ports: [{ port: 8080 }] }
---
apiVersion: v1
kind: Service
metadata: { name: headless }
spec: { clusterIP: None, selector: { app: app }, ports: [{ port: 8080 }] }
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: by-number }
spec:
  podSelector: { matchLabels: { app: app } }
  ingress: [{ ports: [{ port: 8080 }] }]
`

func Test14OneLabelProtectsAndMovesNothing(t *testing.T) {
	installWebhook(t)
	s := newStage(t, "pod-security.kubernetes.io/enforce=restricted", enabled)
	s.apply(t, byNumber)
	s.deploy(t, team{replicas: 3, app: restricted})
	for _, pod := range get[corev1.PodList](t, "pods", "-n", s.namespace).Items {
		if !injected(pod) {
			t.Errorf("%s has no Lameduck", pod.Name)
		}
	}
	const lag = 5 * time.Second
	in := s.startIngress(t, ingressConfig{lag: lag, keepNone: true}, 3)
	l := in.startLoad(t, rate, load.Request{Method: "GET", NewConn: true},
		load.Request{Method: "POST", Body: 2000, NewConn: true})
	direct := s.startDirect(t, s.service(t), s.clusterIP(t, "by-number", "80"), s.clusterIP(t, "without-target", "8080"))
	s.expectPortsUnmoved(t) // beside the traffic: after a pause in it, the pods would wait for another one
	pause(t, settling)
	ended := s.restart(t, waitTimeout)
	expectNoneLost(t, l.end(t))
	direct.end(t)
	for _, life := range ended {
		expectDrained(t, life, lag)
		if d := life.drain(); d.required > afterLast {
			t.Errorf("%s: %v of silence were required after steady traffic, want at most %v", life.name, d.required, afterLast)
		}
	}
	s.expectNoHookFailed(t)
}

func (s *stage) clusterIP(t *testing.T, service, port string) string {
	t.Helper()
	return net.JoinHostPort(get[corev1.Service](t, "service", service, "-n", s.namespace).Spec.ClusterIP, port)
}

// expectPortsUnmoved checks that every Service, and every pod itself, is reached at the app's port.
func (s *stage) expectPortsUnmoved(t *testing.T) {
	t.Helper()
	for _, service := range []string{"app", "by-number", "without-target", "headless"} {
		var all []string
		deploytest.Await(t, waitTimeout, "the endpoints of "+service, func() error {
			all = nil
			for _, slice := range get[discoveryv1.EndpointSliceList](t, "endpointslices", "-n", s.namespace,
				"-l", discoveryv1.LabelServiceName+"="+service).Items {
				all = append(all, addresses(slice)...)
			}
			if len(all) != 3 {
				return &net.AddrError{Err: "not three endpoints", Addr: strings.Join(all, " ")}
			}
			return nil
		})
		for _, a := range all {
			if !strings.HasSuffix(a, ":8080") {
				t.Errorf("%s routes to %s, but a policy allows only port 8080", service, a)
			}
			if r, err := http.Get("http://" + a + "/"); err != nil {
				t.Error(err)
			} else {
				_ = r.Body.Close()
			}
		}
	}
}

// A directLoad sends requests to Services over new connections, with no load balancer but
// kube-proxy.
type directLoad struct {
	cancel  context.CancelFunc
	sending sync.WaitGroup
	result  *load.Result
	err     error
}

func (s *stage) startDirect(t *testing.T, addrs ...string) *directLoad {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	d := &directLoad{cancel: cancel}
	d.sending.Go(func() {
		d.result, d.err = load.Run(ctx, load.Config{
			Addrs: addrs, Arrivals: load.Constant(rate), Requests: []load.Request{{Method: "GET", NewConn: true}},
		})
	})
	t.Cleanup(func() { cancel(); d.sending.Wait() })
	return d
}

func (d *directLoad) end(t *testing.T) {
	t.Helper()
	d.cancel()
	d.sending.Wait()
	if d.err != nil {
		t.Fatal(d.err)
	}
	t.Logf("%d of %d requests to the Services are lost", len(d.result.Failures()), d.result.Requests())
	for _, f := range d.result.Failures() {
		t.Errorf("a request to a Service is lost: %v", f.Err)
	}
}
