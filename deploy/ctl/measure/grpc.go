package measure

import (
	"bytes"
	"cmp"
	"fmt"
	"net/http"
	"net/url"

	"lameduck/bench/openloop"
)

// The health check of gRPC is made on the connections of the HTTP/2 lanes rather than with a client
// of gRPC, since that sends a request again if the server has not processed it.
const (
	check      = "Check" // the method
	healthPath = "/grpc.health.v1.Health/Check"
)

// grpcStatus is a response with another gRPC status than OK.
const grpcStatus openloop.Cause = "grpc"

// longestService is the length of a name that fits into one byte of the message.
const longestService = 127

func healthURL(u *url.URL) *url.URL {
	return &url.URL{Scheme: u.Scheme, Host: u.Host, Path: healthPath}
}

// setHealthCheck makes a request a health check.
func setHealthCheck(r *http.Request, cfg Config) {
	var message []byte // HealthCheckRequest: field 1 is the service
	if s := cfg.GRPCService; s != "" {
		message = append([]byte{0x0a, byte(len(s))}, s...)
	}
	frame := append([]byte{0, 0, 0, 0, byte(len(message))}, message...) // not compressed, and its length
	r.Method, r.URL = http.MethodPost, healthURL(cfg.URL)
	r.Header.Set("Content-Type", "application/grpc")
	r.Header.Set("Te", "trailers")
	r.Body, r.ContentLength = &body{bytes.NewReader(frame)}, int64(len(frame))
}

// grpcFailure returns the failure of a response to a health check that has been read to its end, or
// nil. A server that is not serving has answered, too.
func grpcFailure(resp *http.Response, err error) error {
	switch {
	case resp.StatusCode != http.StatusOK:
		return openloop.StatusFailure(resp.StatusCode)
	case err != nil:
		return err
	}
	// The status is in the header if there is no message.
	code := cmp.Or(resp.Trailer.Get("Grpc-Status"), resp.Header.Get("Grpc-Status"))
	text := cmp.Or(resp.Trailer.Get("Grpc-Message"), resp.Header.Get("Grpc-Message"))
	switch code {
	case "0":
		return nil
	case "":
		return openloop.Fail(openloop.Garbled, fmt.Errorf("answered without a gRPC status"))
	}
	return openloop.Fail(grpcStatus, fmt.Errorf("answered with gRPC status %s: %s", code, text))
}
