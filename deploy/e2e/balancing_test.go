//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/types"

	"lameduck/deploy/deploytest"
)

// balancing are clients of a headless Service that balance their requests by themselves. Each keeps
// a connection to every pod, and never retries.
type balancing struct {
	cancel  context.CancelFunc
	running sync.WaitGroup

	mu        sync.Mutex
	slices    map[types.UID][]string // addresses by EndpointSlice
	addresses []string               // that the clients have resolved
	answered  map[string]int         // by address
	lost      []error
}

// startBalancing returns when the clients have addresses. They learn of each change after a lag.
func (s *stage) startBalancing(t *testing.T, service string, clients int, lag time.Duration) *balancing {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	b := &balancing{cancel: cancel, slices: make(map[types.UID][]string), answered: make(map[string]int)}
	t.Cleanup(b.end)
	watch(ctx, t, func(e event[discoveryv1.EndpointSlice]) {
		time.AfterFunc(lag, func() { b.resolve(e) })
	}, "endpointslices", "-n", s.namespace, "-l", discoveryv1.LabelServiceName+"="+service)
	deploytest.Await(t, waitTimeout, "the addresses of "+service, func() error {
		if len(b.resolved()) == 0 {
			return fmt.Errorf("none found")
		}
		return nil
	})
	for n := range clients {
		b.running.Go(func() { b.run(ctx, n) })
	}
	return b
}

// resolve takes the addresses of an event.
func (b *balancing) resolve(e event[discoveryv1.EndpointSlice]) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.slices, e.Object.UID)
	if e.Type != "DELETED" {
		b.slices[e.Object.UID] = addresses(e.Object)
	}
	b.addresses = nil
	for _, list := range b.slices {
		b.addresses = append(b.addresses, list...)
	}
}

func (b *balancing) resolved() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.addresses
}

// run sends ten requests a second to the pods in turn.
func (b *balancing) run(ctx context.Context, n int) {
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: 10 * time.Second}
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for ; ctx.Err() == nil; n++ {
		if list := b.resolved(); len(list) > 0 {
			address := list[n%len(list)]
			b.count(address, postTo(client, address))
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
		}
	}
}

// postTo sends a body that net/http cannot rewind, so that it does not retry.
func postTo(client *http.Client, address string) error {
	body := io.NopCloser(bytes.NewReader([]byte("hello")))
	resp, err := client.Post("http://"+address+"/", "text/plain", body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	echo, err := io.ReadAll(resp.Body)
	if err == nil && (resp.StatusCode != http.StatusOK || string(echo) != "hello") {
		err = fmt.Errorf("%s answered %d %q", address, resp.StatusCode, echo)
	}
	return err
}

func (b *balancing) count(address string, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err != nil {
		b.lost = append(b.lost, fmt.Errorf("at %s: %w", time.Now().UTC().Format(time.RFC3339Nano), err))
		return
	}
	b.answered[address]++
}

func (b *balancing) end() {
	b.cancel()
	b.running.Wait()
}

// expectNoneLost ends the clients, and checks that each of their requests was answered, by old pods
// and by new ones.
func (b *balancing) expectNoneLost(t *testing.T) {
	t.Helper()
	b.end()
	sum := 0
	for _, n := range b.answered {
		sum += n
	}
	t.Logf("%d requests to %d pods, %d lost", sum+len(b.lost), len(b.answered), len(b.lost))
	if len(b.answered) < 6 {
		t.Errorf("the clients reached %v, want three old pods and three new ones", b.answered)
	}
	for _, err := range b.lost {
		t.Errorf("lost: %v", err)
	}
}
