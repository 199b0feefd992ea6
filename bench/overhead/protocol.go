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

	"lameduck/bench/overhead/handshake"
)

// A protocol is the protocol of a case, between client and peer and between peer and app. It
// determines the app and the configuration of peers.
type protocol int

const (
	http1 protocol = iota
	h2c            // HTTP/2 without TLS, with prior knowledge
	grpc           // unary calls over h2c
	webSocket
	tcp
	https // HTTP/1.1 over TLS between client and peer, and without TLS between peer and app
)

func (p protocol) String() string {
	return [...]string{"HTTP/1.1", "h2c", "gRPC", "WebSocket", "TCP", "HTTPS"}[p]
}

// app returns the app of the protocol.
func (p protocol) app() peer {
	switch p {
	case grpc:
		return grpcApp()
	case webSocket, tcp:
		return tunnelApp()
	}
	return nginxApp()
}

// greet makes one exchange with address and checks the response of the app.
func (p protocol) greet(ctx context.Context, address string) error {
	switch p {
	case h2c:
		return expectSmall(fetch(ctx, overHTTP2(), "http://"+address+"/small"))
	case grpc:
		return call(ctx, address)
	case webSocket, tcp:
		return p.echo(ctx, address, smallBody)
	}
	return expectSmall(fetch(ctx, overHTTP1(), p.scheme()+address+"/small"))
}

func expectSmall(length int64, err error) error {
	if err == nil && length != smallBody {
		err = fmt.Errorf("got %d bytes, want %d", length, smallBody)
	}
	return err
}

// appSide returns the protocol between peer and app.
func (p protocol) appSide() protocol {
	if p == https {
		return http1
	}
	return p
}

// scheme returns how URLs of the protocol begin.
func (p protocol) scheme() string {
	if p == https {
		return "https://"
	}
	return "http://"
}

// overHTTP1 and overHTTP2 return transports without keep-alive.
func overHTTP1() *http.Transport {
	return &http.Transport{DisableKeepAlives: true, TLSClientConfig: handshake.Config(nil)}
}

func overHTTP2() *http.Transport {
	t := &http.Transport{DisableKeepAlives: true, Protocols: new(http.Protocols)}
	t.Protocols.SetUnencryptedHTTP2(true)
	return t
}

// fetch gets url over a new connection and returns the length of the body. Any status but 200 is an
// error.
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

// askTimeout bounds a request with its response: on a busy machine 64 MiB over TLS take seconds.
const askTimeout = 30 * time.Second

// ask sends a request and returns its response. Any status but 200 is an error.
func ask(over *http.Transport, req *http.Request) (*http.Response, error) {
	client := http.Client{Transport: over, Timeout: askTimeout}
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

// callPath is the gRPC method. The app derives the content type from the extension.
const callPath = "/overhead.App/Call.grpc"

// message is the body of a unary call and of its response: a message with its length
// (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md).
func message() []byte {
	text := bytes.Repeat([]byte("x"), messageBytes)
	const uncompressed = 0
	return append(binary.BigEndian.AppendUint32([]byte{uncompressed}, uint32(len(text))), text...)
}

// messageBytes is the size of a small message.
const messageBytes = 16

// grpcFields are the field lines of every call.
func grpcFields() http.Header {
	return http.Header{"Content-Type": {"application/grpc"}, "Te": {"trailers"}}
}

// call makes a unary call and checks the response, including the status in the trailers.
func call(ctx context.Context, address string) error {
	url := "http://" + address + callPath
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(message()))
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
		return fmt.Errorf("call %s: got %q of type %q", callPath, body, resp.Header.Get("Content-Type"))
	case !slices.Equal(resp.Trailer["Grpc-Status"], []string{"0"}):
		return fmt.Errorf("call %s: got the trailers %v", callPath, resp.Trailer)
	}
	return nil
}
