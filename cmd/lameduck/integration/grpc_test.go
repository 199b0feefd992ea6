package integration

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/interop"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/orca"
)

// interopCases are the cases of gRPC's interoperability tests that need neither TLS nor a cloud's credentials, by the names that
// all of gRPC's languages give them.
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
	{"cancel_after_begin", onTestService(interop.DoCancelAfterBegin)},
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

func onTestService(run func(context.Context, testgrpc.TestServiceClient, ...grpc.CallOption)) func(context.Context, *grpc.ClientConn) {
	return func(ctx context.Context, cc *grpc.ClientConn) { run(ctx, testgrpc.NewTestServiceClient(cc)) }
}

// Every case has a client's process of its own, as gRPC's own script gives it.
func TestGRPCInteropCasesPass(t *testing.T) {
	t.Parallel()
	_, address := startPeerApp(t, "grpc server")
	d := startServe(t, address)
	for _, c := range interopCases {
		t.Run(c.name, func(t *testing.T) {
			start(t, nil, programPath("peer"), "grpc client", d.front, c.name).wantExit(t, exitOK)
		})
	}
}

// One client runs all cases on one channel, one after the other, until it has been told to leave twice: on the connection that
// was there when the drain began, and on one that it has made since.
func TestGRPCInteropCasesPassInADrain(t *testing.T) {
	t.Parallel()
	app, address := startPeerApp(t, "grpc server")
	p := startPod(t, app, address, append(realHold, "LAMEDUCK_GRACE_PERIOD=120s")...)
	cmd := newCommand(nil, programPath("peer"), "grpc client", p.duck.front)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	client := startCommand(t, cmd)
	client.stdout.await(t, "round", func(l string) bool { return l == "round" })
	hook := p.beginEnd(t)
	eventually(t, "two connections have ended that were told to leave", func() bool {
		client.wantRunning(t, "nobody has told it to stop")
		return p.duck.told(t, "http2") == 2
	})
	_ = stdin.Close()
	client.wantExit(t, exitOK)
	p.end(t, hook)
	p.duck.wantQuietEnd(t)
}

// runGRPCClient runs one of gRPC's interoperability tests against a server, or all of them again and again until its standard
// input ends. One that fails ends the process.
func runGRPCClient(args []string) error {
	cc, err := grpc.NewClient("passthrough:///"+args[0], grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDisableRetry(),
		grpc.WithDefaultServiceConfig(`{"loadBalancingConfig": [{"test_backend_metrics_load_balancer": {}}]}`)) // what orca_per_rpc needs
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

// runInterop runs the case of a name, or all.
func runInterop(cc *grpc.ClientConn, name string) {
	for _, c := range interopCases {
		if name != "" && name != c.name {
			continue
		}
		fmt.Println(c.name)
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		c.run(ctx, cc)
		cancel()
	}
}

// runGRPCServer serves gRPC's interoperability tests until SIGTERM comes. Then it tells how many unary calls it has answered. A second
// argument is the age at which it asks clients to leave by itself.
func runGRPCServer(args []string) error {
	ln, err := net.Listen("tcp", args[0])
	if err != nil {
		return err
	}
	var age time.Duration // 0: none
	if len(args) > 1 {
		if age, err = time.ParseDuration(args[1]); err != nil {
			return err
		}
	}
	var calls atomic.Int64
	s := grpc.NewServer(
		grpc.KeepaliveParams(keepalive.ServerParameters{MaxConnectionAge: age}),
		orca.CallMetricsServerOption(nil),
		grpc.ChainUnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
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

// Every message of the stream has its answer, the last of them long after both GOAWAY have come.
func TestAGRPCStreamOf20SecondsIsFinishedInADrain(t *testing.T) {
	t.Parallel()
	const messages = 200
	p := startGRPCPod(t)
	cc, err := grpc.NewClient("passthrough:///"+p.duck.front, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer cc.Close()
	stream, err := testgrpc.NewTestServiceClient(cc).FullDuplexCall(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ticker := time.NewTicker(20 * time.Second / messages)
	defer ticker.Stop()
	var hook <-chan answer
	for n := range messages {
		size := int32(1 + n*100)
		if err := stream.Send(&testgrpc.StreamingOutputCallRequest{ResponseParameters: []*testgrpc.ResponseParameters{{Size: size}}}); err != nil {
			t.Fatalf("send message %d: %v", n, err)
		}
		resp, err := stream.Recv()
		if err != nil || len(resp.GetPayload().GetBody()) != int(size) {
			t.Fatalf("the answer to message %d has %d bytes, %v, want %d", n, len(resp.GetPayload().GetBody()), err, size)
		}
		if n == 0 {
			hook = p.beginEnd(t)
		}
		<-ticker.C
	}
	if s := p.duck.status(t); s.Phase != "draining" || s.Drain.Seconds < 19 {
		t.Errorf("status %+v, want that it drains for as long as the stream", s)
	}
	if err := stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err != io.EOF {
		t.Errorf("the stream ends with %v, want EOF", err)
	}
	p.end(t, hook)
	p.duck.wantTerminationLog(t, "http2 connections ended: 1 by drain")
	p.duck.wantQuietEnd(t)
}
