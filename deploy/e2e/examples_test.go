//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"

	"lameduck/deploy/deploytest"
)

// An example is a directory of deploy/examples, with a check that it works.
type example struct {
	name, kind string
	patch      string // of the workload, for an app that needs arguments
	works      func(ctx context.Context, s *stage, service string, pod string) error
}

var examples = []example{
	{"nginx", "deployment", "", overHTTP},
	{"http", "deployment", "", overHTTP},
	{"grpc", "deployment", `{ op: add, path: /spec/template/spec/containers/0/args, value: ["-grpc", "-listen=:9090"] }`, overGRPC},
	{"websocket", "deployment", "", overWebSocket},
	{"statefulset", "statefulset", "", overPod}, // its Service is headless
	{"redirect", "deployment", "", overPod},     // and so is this one
}

func TestEveryExampleIsAcceptedBecomesReadyAndWorks(t *testing.T) {
	for _, e := range examples {
		t.Run(e.name, func(t *testing.T) {
			s := newStage(t)
			s.kubectl(t, "apply", "-k", e.overlay(t))
			s.kubectl(t, "rollout", "status", e.kind+"/"+e.name, "--timeout", waitTimeout.String())
			service := strings.TrimSpace(s.kubectl(t, "get", "service", e.name, "-o",
				"jsonpath={.spec.clusterIP}"))
			deploytest.Await(t, waitTimeout, "three pods", func() error {
				if n := len(s.pods.alive()); n != 3 {
					return fmt.Errorf("%d pods", n)
				}
				return nil
			})
			pod := s.pods.alive()[0]
			deploytest.Await(t, waitTimeout, "the Service to work", func() error {
				return e.works(t.Context(), s, net.JoinHostPort(service, "80"),
					net.JoinHostPort(s.podIP(pod), routePort))
			})
			s.kubectl(t, "delete", "pod", pod, "--wait=false")
			expectQuiet(t, s.pods.awaitGone(t, waitTimeout, pod))
			s.expectNoHookFailed(t)
		})
	}
}

// overlay returns a kustomization of the example with images that the cluster has.
func (e example) overlay(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	copyDeploy(t, root, "examples")
	k := "resources: [../examples/" + e.name + "]\nimages:\n"
	for from, to := range map[string]string{
		"registry.example/lameduck": duckImage, "registry.example/app": appImage,
		"registry.example/grpc-app": appImage,
		"registry.example/chat":     chatImage, "nginx": nginxImage,
	} {
		name, tag, _ := strings.Cut(to, ":")
		k += fmt.Sprintf("  - { name: %s, newName: %s, newTag: %s }\n", from, name, tag)
	}
	if e.patch != "" {
		k += "patches:\n  - target: { group: apps, version: v1 }\n    patch: |-\n      - " +
			e.patch + "\n"
	}
	deploytest.WriteFile(t, filepath.Join(root, "overlay", "kustomization.yaml"), k)
	return filepath.Join(root, "overlay")
}

func overHTTP(ctx context.Context, _ *stage, service, _ string) error {
	status, _, err := call(ctx, http.MethodGet, "http://"+service)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("it answers %d", status)
	}
	return err
}

func overPod(ctx context.Context, s *stage, _, pod string) error {
	return overHTTP(ctx, s, pod,
		"")
}

func overGRPC(ctx context.Context, _ *stage, service, _ string) error {
	conn, err := grpc.NewClient(service, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	_, err = grpc_health_v1.NewHealthClient(conn).Check(ctx, new(grpc_health_v1.HealthCheckRequest))
	return err
}

func overWebSocket(ctx context.Context, _ *stage, service, _ string) error {
	c, _, err := websocket.Dial(ctx, "ws://"+service+"/ws", nil)
	if err != nil {
		return err
	}
	defer c.CloseNow()
	if err := c.Write(ctx, websocket.MessageText, []byte("hello")); err != nil {
		return err
	}
	_, _, err = c.Read(ctx)
	return err
}
