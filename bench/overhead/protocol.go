package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// A protocol is what a case speaks: the client with the peer, and the peer
// with the app. Some need another configuration of a peer, and each has the app
// that answers it.
type protocol int

const (
	http1 protocol = iota
	h2c            // HTTP/2 without TLS, begun with its preface
	grpc           // unary calls over h2c
	webSocket
	tcp
)

func (p protocol) String() string {
	return [...]string{"HTTP/1.1", "h2c", "gRPC", "WebSocket", "TCP"}[p]
}

// app is what stands behind every peer in the cases of the protocol.
func (p protocol) app() peer {
	switch p {
	case grpc:
		return grpcApp()
	case webSocket, tcp:
		return tunnelApp()
	}
	return nginxApp()
}

// greet makes one exchange at address and looks whether it is answered as the
// app does it.
func (p protocol) greet(ctx context.Context, address string) error {
	switch p {
	case h2c:
		return expectSmall(fetch(ctx, overHTTP2(), "http://"+address+"/small"))
	case grpc:
		return call(ctx, address)
	case webSocket, tcp:
		return p.echo(ctx, address, smallBody)
	}
	return expectSmall(fetch(ctx, overHTTP1(), "http://"+address+"/small"))
}

func expectSmall(length int64, err error) error {
	if err == nil && length != smallBody {
		err = fmt.Errorf("%d bytes came instead of %d", length, smallBody)
	}
	return err
}

// overHTTP1 and overHTTP2 are transports that keep no connection.
func overHTTP1() *http.Transport { return &http.Transport{DisableKeepAlives: true} }

func overHTTP2() *http.Transport {
	t := &http.Transport{DisableKeepAlives: true, Protocols: new(http.Protocols)}
	t.Protocols.SetUnencryptedHTTP2(true)
	return t
}

// fetch returns the length in bytes of the 200 answer of url, over a
// connection of its own.
func fetch(ctx context.Context, over *http.Transport, url string) (int64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	resp, err := ask(over, req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	return io.Copy(io.Discard, resp.Body)
}

// ask sends a request and returns its answer, if that is a 200.
func ask(over *http.Transport, req *http.Request) (*http.Response, error) {
	client := http.Client{Transport: over, Timeout: 5 * time.Second}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		resp.Body.Close()
		return nil, fmt.Errorf("%s %s: %s", strings.ToLower(req.Method), req.URL, resp.Status)
	}
	return resp, nil
}

// callPath is the method that is called by gRPC. The app tells the content
// type by the ending.
const callPath = "/overhead.App/Call.grpc"

// message is the body of a unary call and of its answer: the length of a
// message and what it is (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md).
func message() []byte {
	text := bytes.Repeat([]byte("x"), messageBytes)
	return append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(text))), text...) // 0: not compressed
}

// messageBytes is the size of a small message.
const messageBytes = 16

// grpcFields are the field lines of every call.
func grpcFields() http.Header {
	return http.Header{"Content-Type": {"application/grpc"}, "Te": {"trailers"}}
}

// call makes a unary call. Its status comes in trailers, which a proxy may
// lose.
func call(ctx context.Context, address string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+callPath, bytes.NewReader(message()))
	if err != nil {
		return err
	}
	req.Header = grpcFields()
	resp, err := ask(overHTTP2(), req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return err
	case !bytes.Equal(body, message()) || resp.Header.Get("Content-Type") != "application/grpc":
		return fmt.Errorf("call %s: %q of %q came", callPath, body, resp.Header.Get("Content-Type"))
	case !slices.Equal(resp.Trailer["Grpc-Status"], []string{"0"}):
		return fmt.Errorf("call %s: the trailers are %v", callPath, resp.Trailer)
	}
	return nil
}
