//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	corev1 "k8s.io/api/core/v1"

	"lameduck/deploy/deploytest"
)

// service returns the host:port of the Service, for the load balancing of the cluster.
func (s *stage) service(t *testing.T) string {
	t.Helper()
	return net.JoinHostPort(get[corev1.Service](t, "service", "app", "-n", s.namespace).Spec.ClusterIP, "80")
}

const grpcReadiness = `
securityContext:
  allowPrivilegeEscalation: false
  capabilities: { drop: [ALL] }
  readOnlyRootFilesystem: true
  runAsNonRoot: true
  seccompProfile: { type: RuntimeDefault }
readinessProbe:
  grpc: { port: 8080 }
  periodSeconds: 1
`

func Test8NoGRPCCallFailsThroughARollingRestart(t *testing.T) {
	for _, shape := range shapes {
		t.Run(shape, func(t *testing.T) {
			s := newStage(t)
			s.deploy(t, team{shape: shape, replicas: 3, command: []string{"/app", "-grpc"},
				app: grpcReadiness})
			addr := s.service(t)
			pause(t, settling)
			ctx, stop := context.WithCancel(t.Context())
			var calls, failed atomic.Int64
			var clients sync.WaitGroup
			for range 10 {
				clients.Go(func() { callHealth(ctx, t, addr, &calls, &failed) })
			}
			ended := s.restart(t, waitTimeout)
			stop()
			clients.Wait()
			t.Logf("%d calls, %d failed", calls.Load(), failed.Load())
			if calls.Load() == 0 {
				t.Error("there were no calls")
			}
			for _, l := range ended {
				expectSignalledAfter(t, l, expectQuiet(t, l))
			}
		})
	}
}

// callHealth makes a call every 20 ms over one connection, and never retries.
func callHealth(ctx context.Context, t *testing.T, addr string, calls, failed *atomic.Int64) {
	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDisableRetry())
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close()
	health := grpc_health_v1.NewHealthClient(conn)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		calls.Add(1)
		within, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		if _, err := health.Check(within, new(grpc_health_v1.HealthCheckRequest)); err != nil {
			failed.Add(1)
			t.Errorf("a call at %s failed: %v", time.Now().UTC().Format(time.RFC3339Nano), err)
		}
		cancel()
	}
}

func Test8ARollingRestartClosesEveryWebSocketWith1001(t *testing.T) {
	for _, shape := range shapes {
		t.Run(shape, func(t *testing.T) {
			s := newStage(t)
			// By default the closes are spread over a third of the hold's maximum, which takes too
			// long here.
			s.deploy(t, team{shape: shape, replicas: 3, app: restricted,
				env: []string{"LAMEDUCK_TUNNEL_SPREAD=5s"}})
			url := "ws://" + s.service(t) + "/ws"
			pause(t, settling)
			ctx, stop := context.WithCancel(t.Context())
			var closed, messages atomic.Int64
			var clients sync.WaitGroup
			for range 30 {
				clients.Go(func() { chat(ctx, t, url, &closed, &messages) })
			}
			deploytest.Await(t, waitTimeout, "the first messages", func() error {
				if messages.Load() < 60 {
					return fmt.Errorf("%d", messages.Load())
				}
				return nil
			})
			ended := s.restart(t, waitTimeout)
			stop()
			clients.Wait()
			t.Logf("%d messages were echoed, %d connections were closed with 1001", messages.Load(),
				closed.Load())
			if closed.Load() < 30 {
				t.Errorf("30 connections were closed with 1001 %d times", closed.Load())
			}
			for _, l := range ended {
				expectQuiet(t, l)
			}
		})
	}
}

// chat sends a message every 100 ms, expects it back, and reconnects after close code 1001.
func chat(ctx context.Context, t *testing.T, url string, closed, messages *atomic.Int64) {
	for ctx.Err() == nil {
		err := chatOnce(ctx, url, messages)
		switch {
		case ctx.Err() != nil:
		case websocket.CloseStatus(err) == websocket.StatusGoingAway:
			closed.Add(1)
		default:
			t.Errorf("a WebSocket at %s ended otherwise: %v", time.Now().UTC().Format(time.RFC3339Nano), err)
			return
		}
	}
}

func chatOnce(ctx context.Context, url string, messages *atomic.Int64) error {
	dialing, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	c, _, err := websocket.Dial(dialing, url, nil)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer c.CloseNow()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		if err := c.Write(ctx, websocket.MessageText, []byte("hello")); err != nil {
			// The close frame has more information than the error of the write.
			if _, _, read := c.Read(ctx); read != nil {
				return read
			}
			return err
		}
		if _, _, err := c.Read(ctx); err != nil {
			return err
		}
		messages.Add(1)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
