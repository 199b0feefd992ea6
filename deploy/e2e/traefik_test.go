//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lameduck/bench/peers"
	"lameduck/deploy/deploytest"
)

// stickyGone is the longest time from its deletion until a pod with sticky sessions is gone.
const stickyGone = 30 * time.Second

// Traefik sends the requests of a session to a terminating pod as long as that is ready, so they
// end only when Lameduck makes the pod unready: after a third of Max, 13 s here.
func Test12StickySessionsOfTraefikLeaveATerminatingPod(t *testing.T) {
	program := traefik(t)
	s := newStage(t)
	s.deploy(t, team{shape: "native", replicas: 3, app: restricted,
		env: []string{"LAMEDUCK_HOLD_MAX=40s"}, patches: []string{probeEachSecond}})
	s.apply(t, stickyIngress)
	s.kubectl(t, "annotate", "service", "app",
		"traefik.ingress.kubernetes.io/service.sticky.cookie=true")
	url := s.startTraefik(t, program)
	sessions := startSessions(t, url, 20)
	pause(t, rhythm)
	ended := s.restart(t, waitTimeout)
	sessions.expectNoneLost(t)
	for _, l := range ended {
		d := expectQuiet(t, l)
		if took := l.gone.Sub(l.deleted); took > stickyGone {
			t.Errorf("%s was there for %v, more than %v: %s\n%q", l.name, took, stickyGone, d, l.log)
		}
	}
}

// probeEachSecond shortens the period of the readiness probe of Lameduck.
const probeEachSecond = `{ op: replace, path: /spec/template/spec/initContainers/0/readinessProbe/periodSeconds, value: 1 }`

const stickyIngress = `
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: app }
spec:
  rules:
    - http:
        paths:
          - path: /
            pathType: Prefix
            backend: { service: { name: app, port: { number: 80 } } }
`

// traefik returns the path of an unmodified Traefik. It takes long to build, so the test is skipped
// if it has not been built.
func traefik(t *testing.T) string {
	t.Helper()
	if !peers.Built(peers.Traefik) {
		t.Skip("Traefik is not built: go run ./bench/matrix -full -run peers builds it")
	}
	program, err := peers.Path(t.Context(), peers.Traefik, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	return program
}

// startTraefik starts Traefik as the ingress controller of the namespace, and returns its URL when
// it routes to the app.
func (s *stage) startTraefik(t *testing.T, program string) string {
	t.Helper()
	addr := deploytest.FreeAddr(t)
	var said bytes.Buffer
	cmd := exec.CommandContext(t.Context(), program, "--entrypoints.web.address="+addr,
		"--providers.kubernetesingress.namespaces="+s.namespace,
		"--global.checknewversion=false", "--global.sendanonymoususage=false")
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.Env = append(os.Environ(), "KUBERNETES_SERVICE_HOST=") // so that it uses KUBECONFIG
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Wait()
		if t.Failed() {
			t.Logf("Traefik: %s", said.String())
		}
	})
	url := "http://" + addr + "/"
	deploytest.Await(t, waitTimeout, "Traefik to route to the app", func() error {
		status, _, err := call(t.Context(), http.MethodGet, url)
		if err == nil && status != http.StatusOK {
			err = fmt.Errorf("it answers with %d", status)
		}
		return err
	})
	return url
}

// sessions are clients that keep the cookie that binds them to a pod.
type sessions struct {
	end              context.CancelFunc
	clients          sync.WaitGroup
	requests, losses atomic.Int64
}

// startSessions starts clients that send five requests a second each.
func startSessions(t *testing.T, url string, n int) *sessions {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	s := &sessions{end: cancel}
	for range n {
		s.clients.Go(func() { s.run(ctx, t, url) })
	}
	return s
}

func (s *sessions) run(ctx context.Context, t *testing.T, url string) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Error(err)
		return
	}
	client := &http.Client{Jar: jar, Transport: &http.Transport{}, Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		s.requests.Add(1)
		if err := post(client, url); err != nil && s.losses.Add(1) <= 5 {
			t.Errorf("a request at %s is lost: %v", time.Now().UTC().Format(time.RFC3339Nano), err)
		}
	}
}

func post(client *http.Client, url string) error {
	resp, err := client.Post(url, "text/plain", bytes.NewReader([]byte("hello")))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || string(body) != "hello" {
		return fmt.Errorf("status %d, body %q, %w", resp.StatusCode, body, err)
	}
	return nil
}

// expectNoneLost ends the clients and checks that every request was answered.
func (s *sessions) expectNoneLost(t *testing.T) {
	t.Helper()
	s.end()
	s.clients.Wait()
	t.Logf("%d requests, %d lost", s.requests.Load(), s.losses.Load())
	if s.requests.Load() == 0 || s.losses.Load() > 0 {
		t.Errorf("%d of %d requests are lost", s.losses.Load(), s.requests.Load())
	}
}
