package measure

import (
	"context"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"lameduck/bench/openloop"
)

// A healthServer fails every fifth check, after the first.
type healthServer struct {
	grpc_health_v1.UnimplementedHealthServer
	seen, failed atomic.Int64
	service      atomic.Value
}

func (s *healthServer) Check(
	_ context.Context, r *grpc_health_v1.HealthCheckRequest,
) (*grpc_health_v1.HealthCheckResponse, error) {
	s.service.Store(r.GetService())
	if s.seen.Add(1)%5 == 0 {
		s.failed.Add(1)
		return nil, status.Error(codes.Unavailable, "draining")
	}
	return &grpc_health_v1.HealthCheckResponse{Status: grpc_health_v1.HealthCheckResponse_NOT_SERVING}, nil
}

func TestGRPCHealthChecksAreCounted(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	health := new(healthServer)
	server := grpc.NewServer()
	grpc_health_v1.RegisterHealthServer(server, health)
	go server.Serve(l)
	defer server.Stop()
	cfg := config(t, "http://"+l.Addr().String()+"/", 100)
	cfg.Protocols, cfg.GRPCService = []Protocol{GRPC}, "shop.Cart"
	r := run(t, cfg)
	if len(r.Lanes) != 2 || r.Lanes[0].Lost == 0 || r.Lanes[1].Lost == 0 || r.Lost != int(health.failed.Load()) ||
		r.Causes["grpc"] != r.Lost || health.seen.Load() != 101 {
		t.Errorf("lost %v of %d in %d lanes; the server failed %d of %d", r.Causes, r.Requests, len(r.Lanes),
			health.failed.Load(), health.seen.Load())
	}
	if got := health.service.Load(); got != "shop.Cart" {
		t.Errorf("service %q", got)
	}
	if !strings.Contains(r.Failures[0].Error, "gRPC status 14: draining") {
		t.Errorf("error %q", r.Failures[0].Error)
	}
	expectSums(t, r)
}

func TestAServerWithoutGRPCIsNotMeasured(t *testing.T) {
	target := serve(t, func(http.ResponseWriter, *http.Request) {})
	cfg := config(t, target, 1)
	cfg.Protocols = []Protocol{GRPC}
	if _, err := New(t.Context(), cfg); openloop.CauseOf(err) != openloop.Garbled {
		t.Errorf("%v, want an answer without a gRPC status", err)
	}
}
