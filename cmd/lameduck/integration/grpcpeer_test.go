package integration

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/interop"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/orca"
	"google.golang.org/grpc/status"
)

// interopCases are the cases of gRPC's interoperability tests that need neither TLS nor
// credentials, by their names in gRPC's documentation.
var interopCases = []struct {
	name string
	run  func(context.Context, *grpc.ClientConn)
}{
	{"empty_unary", onTestService(interop.DoEmptyUnaryCall)},
	{"large_unary", onTestService(interop.DoLargeUnaryCall)},
	{"client_streaming", onTestService(interop.DoClientStreaming)},
	{"server_streaming", onTestService(interop.DoServerStreaming)},
	{"ping_pong", onTestService(interop.DoPingPong)},
	{"empty_stream", onTestService(interop.DoEmptyStream)},
	{"timeout_on_sleeping_server", onTestService(interop.DoTimeoutOnSleepingServer)},
	{"cancel_after_begin", onTestService(cancelAfterBegin)},
	{"cancel_after_first_response", onTestService(interop.DoCancelAfterFirstResponse)},
	{"status_code_and_message", onTestService(interop.DoStatusCodeAndMessage)},
	{"special_status_message", onTestService(interop.DoSpecialStatusMessage)},
	{"custom_metadata", onTestService(interop.DoCustomMetadata)},
	{"unimplemented_method", interop.DoUnimplementedMethod},
	{"unimplemented_service", func(ctx context.Context, cc *grpc.ClientConn) {
		interop.DoUnimplementedService(ctx, testgrpc.NewUnimplementedServiceClient(cc))
	}},
	{"orca_per_rpc", func(ctx context.Context, cc *grpc.ClientConn) {
		interop.DoORCAPerRPCTest(ctx, testgrpc.NewTestServiceClient(cc))
	}},
}

func onTestService(
	run func(context.Context, testgrpc.TestServiceClient, ...grpc.CallOption),
) func(context.Context, *grpc.ClientConn) {
	return func(ctx context.Context, cc *grpc.ClientConn) { run(ctx, testgrpc.NewTestServiceClient(cc)) }
}

// cancelAfterBegin is gRPC's case without its race. That one also ends its side of the stream after
// it has canceled the call. If the server answers this end before the client has seen its own
// cancellation, the call succeeds. A server that waits for the end of the stream cannot answer
// here.
func cancelAfterBegin(ctx context.Context, client testgrpc.TestServiceClient, _ ...grpc.CallOption) {
	ctx, cancel := context.WithCancel(ctx)
	stream, err := client.StreamingInputCall(ctx)
	if err != nil {
		log.Fatalf("start a call: %v", err)
	}
	cancel()
	if err := stream.RecvMsg(new(testgrpc.StreamingInputCallResponse)); status.Code(err) != codes.Canceled {
		log.Fatalf("a canceled call ends with %v, want %v", err, codes.Canceled)
	}
}

// runGRPCClient runs one of gRPC's interoperability tests against a server, or all of them
// repeatedly until its standard input ends. A failure ends the process.
func runGRPCClient(args []string) error {
	const orcaConfig = `{"loadBalancingConfig": [{"test_backend_metrics_load_balancer": {}}]}` // for orca_per_rpc
	cc, err := grpc.NewClient("passthrough:///"+args[0],
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDisableRetry(), grpc.WithDefaultServiceConfig(orcaConfig))
	if err != nil {
		return err
	}
	defer cc.Close()
	if len(args) > 1 {
		runInterop(cc, args[1])
		return nil
	}
	var ended atomic.Bool
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		ended.Store(true)
	}()
	for !ended.Load() {
		runInterop(cc, "")
		fmt.Println("round")
	}
	return nil
}

// runInterop runs the case with a name, or all cases if it is empty.
func runInterop(cc *grpc.ClientConn, name string) {
	for _, c := range interopCases {
		if name != "" && name != c.name {
			continue
		}
		fmt.Println(c.name)
		ctx, cancel := context.WithTimeout(context.Background(), waitTimeout)
		c.run(ctx, cc)
		cancel()
	}
}

// runGRPCServer serves gRPC's interoperability tests until SIGTERM. Then it prints how many unary
// calls it has answered. The second argument, if any, is the maximum age of connections.
func runGRPCServer(args []string) error {
	ln, err := net.Listen("tcp", args[0])
	if err != nil {
		return err
	}
	var age time.Duration // 0 is no limit
	if len(args) > 1 {
		if age, err = time.ParseDuration(args[1]); err != nil {
			return err
		}
	}
	var calls atomic.Int64
	s := grpc.NewServer(
		grpc.KeepaliveParams(keepalive.ServerParameters{MaxConnectionAge: age}),
		orca.CallMetricsServerOption(nil),
		grpc.ChainUnaryInterceptor(func(
			ctx context.Context, req any, _ *grpc.UnaryServerInfo, handle grpc.UnaryHandler,
		) (any, error) {
			calls.Add(1)
			return handle(ctx, req)
		}),
	)
	testgrpc.RegisterTestServiceServer(s, interop.NewTestServer())
	terminate := make(chan os.Signal, 1)
	signal.Notify(terminate, syscall.SIGTERM)
	go func() {
		<-terminate
		s.Stop()
	}()
	err = s.Serve(ln)
	fmt.Println("calls", calls.Load())
	return err
}

// startGRPCPod starts a pod with gRPC's server as the app. args are further arguments of the
// server.
func startGRPCPod(t *testing.T, args ...string) *pod {
	t.Helper()
	app, address := startPeerApp(t, "grpc server", args...)
	// On a busy machine clients pause for seconds.
	return startPod(t, app, address, append(realHold, "LAMEDUCK_HOLD_QUIET=8s", "LAMEDUCK_GRACE_PERIOD=120s")...)
}

// calls returns how many unary calls the pod's app has answered. The app must have ended.
func (p *pod) calls(t *testing.T) (n int) {
	t.Helper()
	if _, err := fmt.Sscanf(p.app.stdout.String(), "calls %d", &n); err != nil {
		t.Errorf("the app has printed %q: %v", p.app.stdout, err)
	}
	return n
}
