package integration

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
)

// The app and lameduck have written the whole answer when the drain begins, and the hold ends while it is on its way to a client
// with a slow line.
func TestAnAnswerArrivesOverASlowLineInADrain(t *testing.T) {
	for _, v := range []struct {
		name string
		set  func(*http.Protocols, bool)
	}{
		{"HTTP/1", (*http.Protocols).SetHTTP1},
		{"HTTP/2", (*http.Protocols).SetUnencryptedHTTP2},
	} {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			protocols := new(http.Protocols)
			v.set(protocols, true)
			testSlowLine(t, protocols)
		})
	}
}

func testSlowLine(t *testing.T, protocols *http.Protocols) {
	t.Helper()
	root := publicDir(t)
	file := randomFile(t, filepath.Join(root, "file"), 2<<20) // the kernel takes all of it
	app, address := goHTTP2.start(t, root)
	p := startPod(t, app, address, append(realHold, "LAMEDUCK_GRACE_PERIOD=120s")...)
	transport := &http.Transport{Protocols: protocols, DialContext: dialSlowly}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	resp, err := client.Get("http://" + p.duck.front + "/file")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	eventually(t, "the answer has been written", func() bool { return p.duck.exchanges(t) == 1 })
	ended := make(chan struct{})
	hook := p.beginEnd(t)
	go func() {
		defer close(ended)
		p.end(t, hook)
	}()
	if b, err := io.ReadAll(resp.Body); err != nil || !bytes.Equal(b, file) {
		t.Errorf("%d bytes have arrived, %v, want the %d of the file", len(b), err, len(file))
	}
	<-ended
}

// dialSlowly connects over a line that takes 10 s for the file.
func dialSlowly(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, network, address)
	return slowConn{c}, err
}

type slowConn struct{ net.Conn }

func (c slowConn) Read(b []byte) (int, error) {
	<-time.After(80 * time.Millisecond)
	return c.Conn.Read(b[:min(len(b), 16<<10)])
}

// The notice is on its way for longer than lameduck waits for the answer to its PING. What the client calls meanwhile is made once: a
// call that the last GOAWAY refuses is made again by the client, and so must not have been passed on.
func TestNoGRPCCallIsMadeTwiceOverASlowLine(t *testing.T) {
	t.Parallel()
	p := startGRPCPod(t)
	const backlog = 2 << 20
	cc, err := grpc.NewClient("passthrough:///"+p.duck.front, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) { return dialSlowly(ctx, "tcp", address) }),
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
	eventually(t, "the stream has been answered", func() bool { return p.duck.exchanges(t) == 2 })
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
		t.Errorf("the lasting stream has ended with %v", err)
	}
	_ = cc.Close()
	p.end(t, hook)
	if n := p.calls(t); n != made {
		t.Errorf("of %d calls the app has seen %d", made, n)
	}
}
