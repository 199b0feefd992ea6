package integration

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
)

// Every case has a client process of its own, as in gRPC's own script.
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

// One client runs all cases on one channel, one after the other, until two of its connections have
// ended because of the drain: one from before the drain, and one that it has made since.
func TestGRPCInteropCasesPassInADrain(t *testing.T) {
	t.Parallel()
	app, address := startPeerApp(t, "grpc server")
	p := startPod(t, app, address, append(realHold, "LAMEDUCK_GRACE_PERIOD=120s")...)
	cmd := newCommand(nil, programPath("peer"), "grpc client", p.lameduck.front)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	client := startCommand(t, cmd)
	client.stdout.await(t, "round", func(l string) bool { return l == "round" })
	hook := p.beginEnd(t)
	eventually(t, "the drain has ended two connections", func() bool {
		client.wantRunning(t, "its standard input is open")
		return p.lameduck.endedByDrain(t, "http2") >= 2
	})
	_ = stdin.Close()
	client.wantExit(t, exitOK)
	p.end(t, hook)
	p.lameduck.wantQuietEnd(t)
}

// Every message of the stream is answered, the last ones long after both GOAWAYs.
func TestAGRPCStreamOf20SecondsIsFinishedInADrain(t *testing.T) {
	t.Parallel()
	const messages = 200
	p := startGRPCPod(t)
	cc, err := grpc.NewClient("passthrough:///"+p.lameduck.front,
		grpc.WithTransportCredentials(insecure.NewCredentials()))
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
		if err := stream.Send(&testgrpc.StreamingOutputCallRequest{
			ResponseParameters: []*testgrpc.ResponseParameters{{Size: size}},
		}); err != nil {
			t.Fatalf("send message %d: %v", n, err)
		}
		resp, err := stream.Recv()
		if err != nil || len(resp.GetPayload().GetBody()) != int(size) {
			t.Fatalf("the answer to message %d has %d bytes, %v, want %d",
				n, len(resp.GetPayload().GetBody()), err, size)
		}
		if n == 0 {
			hook = p.beginEnd(t)
		}
		<-ticker.C
	}
	if s := p.lameduck.status(t); s.Phase != "draining" || s.Drain.Seconds < 19 {
		t.Errorf("status %+v, want a drain that lasts as long as the stream", s)
	}
	if err := stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err != io.EOF {
		t.Errorf("the stream ends with %v, want EOF", err)
	}
	p.end(t, hook)
	p.lameduck.wantTerminationLog(t, "http2 connections ended: 1 by drain")
	p.lameduck.wantQuietEnd(t)
}

// A load balancer has two pods at a time and learns late of each termination. One pod after the
// other is replaced, as in a rollout. No client retries: each call is answered and made once.
func TestGRPCLosesNoCallInManyDrains(t *testing.T) {
	t.Parallel()
	pods := []*pod{startGRPCPod(t), startGRPCPod(t)}
	front := startFront(t, pods[0].lameduck.front, pods[1].lameduck.front)
	drains, calls := loadSize()
	load := startGRPCLoad(t, front.address, calls)
	var ends sync.WaitGroup
	for n := range drains {
		load.await(t, (n+1)*calls/(drains+2))
		leaving, next := pods[n], startGRPCPod(t)
		pods = append(pods, next)
		front.add(next.lameduck.front)
		hook := leaving.beginEnd(t)
		time.AfterFunc(lag, func() { front.remove(leaving.lameduck.front) })
		ends.Go(func() { leaving.end(t, hook) })
	}
	load.await(t, calls)
	load.end()
	for _, p := range pods[drains:] {
		hook := p.beginEnd(t)
		ends.Go(func() { p.end(t, hook) })
	}
	ends.Wait()
	answered := 0
	for _, p := range pods {
		p.lameduck.wantQuietEnd(t)
		answered += p.calls(t)
	}
	load.wantNoLoss(t, answered)
	if load.over() != calls {
		t.Errorf("%d calls, want %d", load.over(), calls)
	}
}

// The app itself sends a two-phase GOAWAY after a second of each connection: before, between and
// after the GOAWAYs of the relay.
func TestGRPCLosesNothingWhereTheAppAsksClientsToLeaveToo(t *testing.T) {
	t.Parallel()
	leaving, staying := startGRPCPod(t, "1s"), startGRPCPod(t, "1s")
	front := startFront(t, leaving.lameduck.front, staying.lameduck.front)
	wantNoLossWhileOneLeaves(t, front.address, leaving, staying, func() { front.remove(leaving.lameduck.front) })
}

// nginx keeps its connections to the pods alive, with one call at a time on each.
func TestGRPCThroughNginxLosesNothing(t *testing.T) {
	t.Parallel()
	leaving, staying := startGRPCPod(t), startGRPCPod(t)
	nginx := startNginxBalancer(t, leaving.lameduck.front, staying.lameduck.front)
	forget := func() { nginx.learn(t, staying.lameduck.front) }
	wantNoLossWhileOneLeaves(t, nginx.grpcAddress(), leaving, staying, forget)
}

// HAProxy multiplexes the calls of many clients on one connection to a pod.
func TestGRPCThroughHAProxyLosesNothing(t *testing.T) {
	t.Parallel()
	leaving, staying := startGRPCPod(t), startGRPCPod(t)
	address, forget := startHAProxy(t, leaving.lameduck.front, staying.lameduck.front)
	wantNoLossWhileOneLeaves(t, address, leaving, staying, func() { forget(0) })
}

// The client, a script, makes calls until its standard input ends.
func TestNodeGRPCLosesNothing(t *testing.T) {
	t.Parallel()
	app, address := startNode(t, "grpc-server.js")
	p := startPod(t, app, address, append(realHold, "LAMEDUCK_GRACE_PERIOD=120s")...)
	command := nodeScript(t, "grpc-client.js", p.lameduck.front)
	cmd := newCommand(nil, command[0], command[1:]...)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	client := startCommand(t, cmd)
	client.stdout.await(t, "busy", func(l string) bool { return l == "busy" })
	hook := p.beginEnd(t)
	eventually(t, "the drain has ended two connections", func() bool {
		client.wantRunning(t, "its standard input is open")
		return p.lameduck.endedByDrain(t, "http2") >= 2
	})
	_ = stdin.Close()
	client.wantExit(t, 0)
	p.end(t, hook)
	p.lameduck.wantQuietEnd(t)
	got, answered := reported[grpcReport](t, client), reported[grpcReport](t, p.app)
	if got.Calls < 100 || got.Streams < 1 || len(got.Errors) > 0 {
		t.Errorf("the client reports %+v, want calls, streams and no errors", got)
	}
	if answered.Calls != got.Calls || answered.Streams != got.Streams {
		t.Errorf("the app has answered %+v, want each of %+v once", answered, got)
	}
}

// A grpcReport is what the scripts print at the end.
type grpcReport struct {
	Calls, Streams int
	Errors         []string
}

// wantNoLossWhileOneLeaves makes calls at the address of a load balancer of two pods, and
// terminates one of them. forget removes that pod from the load balancer.
func wantNoLossWhileOneLeaves(t *testing.T, address string, leaving, staying *pod, forget func()) {
	t.Helper()
	load := startGRPCLoad(t, address, 1_000_000) // more than are needed
	load.await(t, 1000)
	hook := leaving.beginEnd(t)
	<-time.After(lag)
	forget()
	leaving.end(t, hook)
	leaving.lameduck.wantQuietEnd(t)
	load.await(t, load.over()+1000)
	load.end()
	staying.end(t, staying.beginEnd(t))
	staying.lameduck.wantQuietEnd(t)
	load.wantNoLoss(t, leaving.calls(t)+staying.calls(t))
}

// The first GOAWAY takes long to arrive. Each call that the client makes meanwhile must be made
// once: the client retries a call that the final GOAWAY refuses, so the relay must not have passed
// it on.
func TestNoGRPCCallIsMadeTwiceOverASlowLine(t *testing.T) {
	t.Parallel()
	p := startGRPCPod(t)
	const backlog = 2 << 20
	cc, err := grpc.NewClient("passthrough:///"+p.lameduck.front,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) {
			return dialSlowly(ctx, "tcp", address)
		}),
		grpc.WithInitialWindowSize(2*backlog), grpc.WithInitialConnWindowSize(2*backlog),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(2*backlog)))
	if err != nil {
		t.Fatal(err)
	}
	defer cc.Close()
	client := testgrpc.NewTestServiceClient(cc)
	if err := call(client, 1); err != nil {
		t.Fatal(err)
	}
	lasting, err := client.FullDuplexCall(t.Context()) // the connection ends with it
	if err != nil {
		t.Fatal(err)
	}
	stream, err := client.StreamingOutputCall(t.Context(), &testgrpc.StreamingOutputCallRequest{
		ResponseParameters: []*testgrpc.ResponseParameters{{Size: backlog}},
	})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the stream has been answered", func() bool { return p.lameduck.exchanges(t) == 2 })
	hook := p.beginEnd(t)
	var calls sync.WaitGroup
	made := 1
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for range 100 {
		made++
		n := made
		calls.Go(func() {
			if err := call(client, n); err != nil {
				t.Errorf("a call has failed: %v", err)
			}
		})
		<-ticker.C
	}
	if _, err := stream.Recv(); err != nil {
		t.Errorf("the stream has failed: %v", err)
	}
	calls.Wait()
	_ = lasting.CloseSend()
	if _, err := lasting.Recv(); err != io.EOF {
		t.Errorf("the long stream has ended with %v", err)
	}
	_ = cc.Close()
	p.end(t, hook)
	if n := p.calls(t); n != made {
		t.Errorf("of %d calls the app has seen %d", made, n)
	}
}
