package integration

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/interop"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
)

// The calls of the load, the drains that they are spread over, and the clients that make them, each on a channel of its own.
const (
	loadCalls   = 100_000
	loadDrains  = 20
	loadClients = 10
	loadWorkers = 8                     // of each client; each makes one call at a time
	loadLatency = 10 * time.Millisecond // from a client to the load balancer, and back
)

// Two pods at a time are behind a load balancer that learns late of each end. One after the other is replaced, as in a rollout. No
// client tries a call again: each is answered, and is made once.
func TestGRPCLosesNoneOf100000CallsIn20Drains(t *testing.T) {
	t.Parallel()
	pods := []*pod{startGRPCPod(t), startGRPCPod(t)}
	front := startFront(t, pods[0].duck.front, pods[1].duck.front)
	load := startGRPCLoad(t, front.address, loadCalls)
	var ends sync.WaitGroup
	for n := range loadDrains {
		load.await(t, (n+1)*loadCalls/(loadDrains+2))
		leaving, next := pods[n], startGRPCPod(t)
		pods = append(pods, next)
		front.add(next.duck.front)
		hook := leaving.beginEnd(t)
		time.AfterFunc(lag, func() { front.remove(leaving.duck.front) })
		ends.Go(func() { leaving.end(t, hook) })
	}
	load.await(t, loadCalls)
	load.end()
	for _, p := range pods[loadDrains:] {
		hook := p.beginEnd(t)
		ends.Go(func() { p.end(t, hook) })
	}
	ends.Wait()
	answered := 0
	for _, p := range pods {
		p.duck.wantQuietEnd(t)
		answered += p.calls(t)
	}
	load.wantNoLoss(t, answered)
	if load.over() != loadCalls {
		t.Errorf("there have been %d calls, want %d", load.over(), loadCalls)
	}
}

// The app asks each client to leave after a second by itself, in two steps too, and so before, between and after the words of the
// relay's.
func TestGRPCLosesNothingWhereTheAppAsksClientsToLeaveToo(t *testing.T) {
	t.Parallel()
	leaving, staying := startGRPCPod(t, "1s"), startGRPCPod(t, "1s")
	front := startFront(t, leaving.duck.front, staying.duck.front)
	wantNoLossWhileOneLeaves(t, front.address, leaving, staying, func() { front.remove(leaving.duck.front) })
}

// wantNoLossWhileOneLeaves makes calls at the address of a load balancer of two pods, and ends one of them. forget makes the load
// balancer send nothing new there.
func wantNoLossWhileOneLeaves(t *testing.T, address string, leaving, staying *pod, forget func()) {
	t.Helper()
	load := startGRPCLoad(t, address, loadCalls)
	load.await(t, 1000)
	hook := leaving.beginEnd(t)
	<-time.After(lag)
	forget()
	leaving.end(t, hook)
	leaving.duck.wantQuietEnd(t)
	load.await(t, load.over()+1000)
	load.end()
	staying.end(t, staying.beginEnd(t))
	staying.duck.wantQuietEnd(t)
	load.wantNoLoss(t, leaving.calls(t)+staying.calls(t))
}

// startGRPCPod starts a pod whose app is gRPC's server, with arguments of its own.
func startGRPCPod(t *testing.T, args ...string) *pod {
	t.Helper()
	app, address := startPeerApp(t, "grpc server", args...)
	return startPod(t, app, address, append(realHold, "LAMEDUCK_GRACE_PERIOD=120s")...)
}

// calls returns how many unary calls the pod's app has answered, when it has ended.
func (p *pod) calls(t *testing.T) (n int) {
	t.Helper()
	if _, err := fmt.Sscanf(p.app.stdout.String(), "calls %d", &n); err != nil {
		t.Errorf("the app has said %q: %v", p.app.stdout, err)
	}
	return n
}

// A grpcLoad makes unary calls, so many in all unless it is ended sooner.
type grpcLoad struct {
	calls    int64
	channels []*grpc.ClientConn
	workers  sync.WaitGroup
	begun    atomic.Int64
	answered atomic.Int64

	mu     sync.Mutex
	losses []string
}

func startGRPCLoad(t *testing.T, address string, calls int64) *grpcLoad {
	t.Helper()
	l := &grpcLoad{calls: calls}
	for range loadClients {
		cc, err := grpc.NewClient("passthrough:///"+address,
			grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDisableRetry(), grpc.WithDisableServiceConfig(),
			grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) {
				return dialDistant(ctx, address, loadLatency)
			}))
		if err != nil {
			t.Fatal(err)
		}
		l.channels = append(l.channels, cc)
		for range loadWorkers {
			l.workers.Go(func() { l.work(testgrpc.NewTestServiceClient(cc)) })
		}
	}
	t.Cleanup(l.end)
	return l
}

func (l *grpcLoad) work(client testgrpc.TestServiceClient) {
	for {
		n := l.begun.Add(1)
		if n > l.calls {
			return
		}
		if err := call(client, int(n)); err != nil {
			l.lose(fmt.Errorf("call %d: %w", n, err))
		} else {
			l.answered.Add(1)
		}
	}
}

// call makes one call. The sizes of what is sent and of what is to be answered are the call's own.
func call(client testgrpc.TestServiceClient, n int) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	size := n % 1000
	resp, err := client.UnaryCall(ctx, &testgrpc.SimpleRequest{
		ResponseSize: int32(size),
		Payload:      interop.ClientNewPayload(testgrpc.PayloadType_COMPRESSABLE, size),
	})
	if err == nil && len(resp.GetPayload().GetBody()) != size {
		err = fmt.Errorf("answered with %d bytes, want %d", len(resp.GetPayload().GetBody()), size)
	}
	return err
}

func (l *grpcLoad) lose(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.losses = append(l.losses, err.Error())
}

// await waits until a number of calls is over.
func (l *grpcLoad) await(t *testing.T, n int) {
	t.Helper()
	for over := -1; over < n; {
		over = l.over() // as long as there is progress there is patience
		eventually(t, fmt.Sprintf("more than %d calls are over", over), func() bool { return l.over() >= min(n, over+1) })
	}
}

func (l *grpcLoad) over() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return int(l.answered.Load()) + len(l.losses)
}

// end lets the calls that have begun be the last.
func (l *grpcLoad) end() {
	l.begun.Store(l.calls)
	l.workers.Wait()
	for _, cc := range l.channels {
		_ = cc.Close()
	}
	l.channels = nil
}

// wantNoLoss looks that the clients have had an answer to every call, and that the apps have given no more of them.
func (l *grpcLoad) wantNoLoss(t *testing.T, served int) {
	t.Helper()
	if len(l.losses) > 0 || served != l.over() {
		t.Errorf("of %d calls %d are lost, and the apps have answered %d; the first losses:\n%s",
			l.over(), len(l.losses), served, strings.Join(l.losses[:min(len(l.losses), 10)], "\n"))
	}
}
