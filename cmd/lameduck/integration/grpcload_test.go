package integration

import (
	"context"
	"fmt"
	"net"
	"os"
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

// Each of the loadClients clients has a channel of its own.
const (
	loadClients = 10
	loadWorkers = 8                     // of each client; each makes one call at a time
	loadLatency = 10 * time.Millisecond // from a client to the load balancer, and back
)

// loadSize returns the number of drains, and of calls during them. It is called by a test, so that
// go test knows that the result depends on the environment.
func loadSize() (drains, calls int) {
	drains = 5
	if os.Getenv("TEST_LONG") != "" {
		drains = 20
	}
	return drains, drains * 5_000
}

// A grpcLoad makes a number of unary calls, unless it is ended sooner.
type grpcLoad struct {
	calls    int64
	channels []*grpc.ClientConn
	workers  sync.WaitGroup
	begun    atomic.Int64
	answered atomic.Int64

	mu     sync.Mutex
	losses []string
}

func startGRPCLoad(t *testing.T, address string, calls int) *grpcLoad {
	t.Helper()
	l := &grpcLoad{calls: int64(calls)}
	for range loadClients {
		cc, err := grpc.NewClient("passthrough:///"+address,
			grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithDisableRetry(), grpc.WithDisableServiceConfig(),
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

// call makes one call. The sizes of the request and of the response depend on n.
func call(client testgrpc.TestServiceClient, n int) error {
	ctx, cancel := context.WithTimeout(context.Background(), waitTimeout)
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

// await waits until n calls are over.
func (l *grpcLoad) await(t *testing.T, n int) {
	t.Helper()
	for over := -1; over < n; {
		over = l.over() // the timeout starts again with every call
		eventually(t, fmt.Sprintf("more than %d calls are over", over), func() bool {
			return l.over() >= min(n, over+1)
		})
	}
}

func (l *grpcLoad) over() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return int(l.answered.Load()) + len(l.losses)
}

// end makes no further calls and waits for those in flight.
func (l *grpcLoad) end() {
	l.begun.Store(l.calls)
	l.workers.Wait()
	for _, cc := range l.channels {
		_ = cc.Close()
	}
	l.channels = nil
}

// wantNoLoss expects that every call was answered, and that the apps have answered no more.
func (l *grpcLoad) wantNoLoss(t *testing.T, served int) {
	t.Helper()
	if len(l.losses) > 0 || served != l.over() {
		t.Errorf("%d calls, %d lost, %d answered by the apps; the first losses:\n%s",
			l.over(), len(l.losses), served, strings.Join(l.losses[:min(len(l.losses), 10)], "\n"))
	}
}
